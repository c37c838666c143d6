"""The MLLP door's settings as plain values."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address

from gateway.errors import SettingsRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpSource:
    """One sending application: how its messages are known."""

    name: str
    applications: frozenset[str] = frozenset()
    """``MSH-3|MSH-4``; when given, the source may write as these only."""
    certificate_names: frozenset[str] = frozenset()
    """``commonName=…``, ``DNS:…`` or ``email:…`` of its client certificate."""
    report_to: str = field(repr=False, default="")
    """The mailbox that hears of failures: the envelope's sender."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpListener:
    """One address and port; without TLS on loopback only. The context asks for client certificates, or does not."""

    name: str
    host: str
    port: int = 0
    tls: ssl.SSLContext | None = None
    source: str = ""
    """Whose messages these are when neither certificate nor MSH-3 and MSH-4 say so."""
    reuse_port: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpLimits:
    """What one client may ask for."""

    max_size: int = 25 << 20
    max_connections: int = 1000
    room: int = 128 << 20
    """Octets in memory over all connections; a block for which there is none left is answered AR."""
    max_junk: int = 256
    """Octets outside of any block, line ends and blanks excepted."""
    idle: timedelta = timedelta(hours=1)
    """Between two messages: interface engines keep their connection."""
    grace: timedelta = timedelta(seconds=30)
    bytes_per_second: int = 500
    listening: timedelta = timedelta(seconds=60)
    """For the client to take an answer off the line."""
    evict: timedelta = timedelta(seconds=60)
    """When all connections are taken, the one that has waited longest between two messages, at least so long, goes."""
    drain: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpDoorSettings:
    """All that the door is told; ``SettingsRefused`` when others could hear clear text, or write as the hospital."""

    recipient: str
    """``auto@<our domain>``: the addressees are those that the document names."""
    listeners: tuple[MllpListener, ...]
    sources: tuple[MllpSource, ...]
    limits: MllpLimits = MllpLimits()

    def __post_init__(self) -> None:
        """Refuse clear text and clients without proof beyond loopback, and sources that do not exist."""
        names = {source.name for source in self.sources}
        for listener in self.listeners:
            if not _demands_certificate(listener) and not _is_loopback(listener.host):
                raise SettingsRefused(
                    f"mllp listener {listener.name}: beyond loopback only by TLS with a client certificate (client_ca)"
                )
            if listener.source and listener.source not in names:
                raise SettingsRefused(f"mllp listener {listener.name}: no such source {listener.source}")


def _demands_certificate(listener: MllpListener) -> bool:
    return listener.tls is not None and listener.tls.verify_mode is ssl.CERT_REQUIRED


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
