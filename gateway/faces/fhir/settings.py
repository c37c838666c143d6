"""The FHIR face's settings as plain values; what would show the directory to strangers is refused."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address

from gateway.errors import SettingsRefused

_SHORTEST_TOKEN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirFaceSettings:
    """All that the face is told; ``SettingsRefused`` when it could be read without TLS or token from outside."""

    host: str
    port: int = 0
    tls: ssl.SSLContext | None = None
    token: bytes = field(repr=False, default=b"")
    max_entries: int = 200
    """People or organisations that one search looks at, pages together."""
    max_seconds: float = 10.0
    max_requests: int = 50
    """Connections and requests at a time."""

    def __post_init__(self) -> None:
        """Beyond loopback TLS and token are needed; a token that could be guessed is refused anywhere."""
        if not _is_loopback(self.host):
            if self.tls is None:
                raise SettingsRefused("web: beyond loopback only with TLS: set certificate and key")
            if not self.token:
                raise SettingsRefused("web: beyond loopback only with a token: make the secret (token_secret)")
        if self.token and len(self.token) < _SHORTEST_TOKEN:
            raise SettingsRefused(f"web: the token has fewer than {_SHORTEST_TOKEN} characters")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
