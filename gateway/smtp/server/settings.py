"""The SMTP door's settings as plain values; what contradicts itself is refused when the door is opened."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from socket import socket

from gateway.errors import SettingsRefused
from gateway.smtp.server.contract import (
    Asked,
    Certificate,
    Peers,
    RecipientPolicy,
    always_open,
    any_recipient,
    nobody_asked,
)

NULL_SENDER = "<>"
"""How the null reverse-path is written in a source's list of senders."""


class LineEnds(StrEnum):
    """What to do with a bare CR or LF in the content (design.md, decision 11)."""

    REFUSE = "refuse"
    NORMALISE = "normalise"
    """Never applied to content that is already signed or encrypted: that is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSource:
    """One sending application or service: how it proves who it is and as whom it may write."""

    name: str
    senders: frozenset[str]
    """Exact addresses, ``@domain`` for a whole domain, ``<>`` for the null reverse-path."""
    login: str = ""
    password_hash: str = field(repr=False, default="")
    """Argon2id in PHC form; empty when the source has no password."""
    certificate_names: frozenset[str] = frozenset()
    """``commonName=…``, ``DNS:…``, ``email:…`` or ``URI:…`` of the certificates that stand for this source."""
    line_ends: LineEnds = LineEnds.REFUSE
    long_lines: bool = False
    """Lines over 998 octets pass: for old hospital senders only."""

    def may_write_as(self, address: str) -> bool:
        """Whether MAIL FROM may hold ``address`` (promise E6)."""
        plain = address.lower()
        return plain in self.senders or f"@{plain.rpartition('@')[2]}" in self.senders

    def may_show(self, address: str, sender: str) -> bool:
        """Whether header From may hold ``address`` (promise E6); ``sender`` is empty for the null reverse-path."""
        return self.may_write_as(address)

    def may_show_nobody(self, sender: str, *, is_encoded: bool) -> bool:
        """Whether header From may be missing or hold no address, ``is_encoded`` when encoded words could hide one."""
        return True

    @property
    def peer(self) -> Certificate | None:
        """The certificate that stands for another operator's server; ``None`` for a source of the hospital's."""
        return None

    def __post_init__(self) -> None:
        """Senders compare without case: nobody gives two people addresses that differ by case alone."""
        object.__setattr__(self, "senders", frozenset(sender.lower() for sender in self.senders))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator(SmtpSource):
    """The far side of one connection from another operator: what ``peers`` say of the certificate that it showed."""

    certificate: Certificate = field(repr=False)
    peers: Peers = field(repr=False)

    @property
    def peer(self) -> Certificate:
        """What it showed."""
        return self.certificate

    def may_write_as(self, address: str) -> bool:
        """True, or raises what the far side is to hear."""
        self.peers.vouch(self.certificate, "" if address == NULL_SENDER else address)
        return True

    def may_show(self, address: str, sender: str) -> bool:
        """As ``peers`` say."""
        return self.peers.may_show(self.certificate, address, is_report=not sender)

    def may_show_nobody(self, sender: str, *, is_encoded: bool) -> bool:
        """Only where a mail host reports, as some do without an address."""
        return not sender and not is_encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpListener:
    """One address and port: implicit TLS (RFC 8314), STARTTLS (RFC 3207), or clear on loopback for one source."""

    name: str
    host: str
    port: int = 0
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    unsafe_source: str = ""
    """Whoever connects is this source, with no proof: loopback only."""
    demand_certificate: bool = False
    """Only who shows the listed certificate of a source is served; nobody logs in otherwise (promise E4)."""
    peers: Peers | None = None
    """Given: other operators write here, each as its certificate allows; nobody logs in."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Load balancers; given: each connection must come from one and begin with a PROXY header, before any TLS."""
    reuse_port: bool = False
    given: socket | None = None
    """A socket that listens already, opened by the service manager: host and port do not count then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpLimits:
    """What one client, and all of them, may ask for; the defaults suit a hospital."""

    max_size: int = 25 << 20
    max_header: int = 100 << 10
    max_received: int = 50
    max_levels: int = 100
    max_parts: int = 1000
    max_recipients: int = 1000
    max_connections: int = 1000
    max_connections_per_address: int = 100
    max_connections_per_minute: int = 2000
    max_in_memory: int = 256 << 20
    """Content being received, over all connections."""
    patient_errors: int = 10
    max_errors: int = 20
    max_junk: int = 100
    """NOOP, RSET, VRFY, HELP and EHLO between two letters."""
    error_delay: timedelta = timedelta(seconds=1)
    max_auth_failures: int = 3
    max_guesses: int = 10
    """Wrong passwords per account and ten minutes; twice that per address."""
    guess_delay: timedelta = timedelta(seconds=2)
    max_guess_delay: timedelta = timedelta(seconds=15)
    idle: timedelta = timedelta(seconds=300)
    """RFC 5321 §4.5.3.2.7."""
    to_prove: timedelta = timedelta(seconds=30)
    """From the connection of another operator's server to the end of its handshake, whatever it says meanwhile."""
    grace: timedelta = timedelta(seconds=30)
    bytes_per_second: int = 500
    silence: timedelta = timedelta(seconds=10)
    """After something that looks like an end of data and is none."""
    linger: timedelta = timedelta(seconds=1)
    """Between the last reply and the close, so that the client can read it."""
    drain: timedelta = timedelta(seconds=20)
    settle: timedelta = timedelta(seconds=10)
    """For commits that are still under way when the door has closed."""
    proxy_header: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpDoorSettings:
    """All that the door is told; ``SettingsRefused`` when it would let somebody in without proof."""

    hostname: str
    listeners: tuple[SmtpListener, ...]
    sources: tuple[SmtpSource, ...]
    limits: SmtpLimits = SmtpLimits()
    may_receive: RecipientPolicy = any_recipient
    asks: Asked = nobody_asked
    admit: Callable[[], None] = always_open
    """Asked at MAIL; raises ``TransientFailure`` when no letter can be taken now (disk low: promise A6)."""
    loop_marker: str = ""
    """A whole header line that only mails bear which we have passed on: seeing it again is a loop."""
    known: Path | None = None
    """The file of networks from which logins were right: see ``known.py``."""

    def __post_init__(self) -> None:
        """Refuse what would let somebody in without proof."""
        _refuse_twins("source", [source.name for source in self.sources])
        _refuse_twins("login", [source.login for source in self.sources if source.login])
        _refuse_twins("certificate name", [name for source in self.sources for name in source.certificate_names])
        for listener in self.listeners:
            _check_listener(listener, {source.name for source in self.sources})


def _refuse_twins(what: str, names: list[str]) -> None:
    twins = {name for name in names if names.count(name) > 1}
    if twins:
        raise SettingsRefused(f"smtp: {what} given twice: {', '.join(sorted(twins))}")


def _check_listener(listener: SmtpListener, sources: set[str]) -> None:
    if listener.demand_certificate:
        _check_demand(listener)
    if listener.peers is not None and not _demands(listener):
        raise SettingsRefused(f"smtp listener {listener.name}: operators are known by their certificates alone")
    if listener.unsafe_source:
        if not is_loopback(listener.host) or listener.proxies:
            raise SettingsRefused(f"smtp listener {listener.name}: a source without proof only on loopback")
        if listener.unsafe_source not in sources:
            raise SettingsRefused(f"smtp listener {listener.name}: no such source {listener.unsafe_source}")
    elif listener.tls is None:
        raise SettingsRefused(f"smtp listener {listener.name}: TLS is needed, nobody may log in without")
    if listener.tls is not None and listener.tls.minimum_version < ssl.TLSVersion.TLSv1_2:
        raise SettingsRefused(f"smtp listener {listener.name}: TLS below 1.2 is allowed by its context")


def _check_demand(listener: SmtpListener) -> None:
    if not (_demands(listener) and listener.implicit_tls):
        raise SettingsRefused(f"smtp listener {listener.name}: certificates are demanded by implicit TLS alone")


def _demands(listener: SmtpListener) -> bool:
    required = listener.tls is not None and listener.tls.verify_mode is ssl.CERT_REQUIRED
    return required and not listener.unsafe_source


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
