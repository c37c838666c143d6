"""The TLS side of a client: never below TLS 1.2, always verified, with our certificate where the operator asks."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import SettingsRefused

SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"
"""TLS 1.2 suites, all with forward secrecy; the last two are ECO.1.1.3's C028 and C027 for older operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurCertificate:
    """The PEM files that a client certificate is made of."""

    certificate: Path
    key: Path
    password: str | None = field(default=None, repr=False)


def client_context(roots: Path | None = None, ours: OurCertificate | None = None) -> ssl.SSLContext:
    """A context that verifies chain and name against ``roots`` alone (the system's when ``None``).

    Raises ``SettingsRefused`` when a file is missing, unreadable or not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        if roots is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            context.load_verify_locations(cafile=str(roots))
        if ours is not None:
            # An empty password keeps OpenSSL from asking the terminal when the key is encrypted and none was given.
            context.load_cert_chain(str(ours.certificate), str(ours.key), password=ours.password or "")
    except OSError as error:  # ssl.SSLError is one
        raise SettingsRefused(f"TLS files cannot be loaded: {error}") from error
    return context


def check_floor(context: ssl.SSLContext) -> None:
    """Raises ``SettingsRefused`` for a context that would not verify, or would go below TLS 1.2."""
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise SettingsRefused("a TLS context that does not verify the next hop's certificate and name")
    if context.minimum_version not in {ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3}:
        raise SettingsRefused("a TLS context that allows less than TLS 1.2")
