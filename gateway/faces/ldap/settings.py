"""The address book's settings as plain values; what would show the directory to strangers is refused."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Protocol

from gateway.errors import SettingsRefused
from gateway.faces.ldap.names import BadName, parse_name


class TooManyGuesses(Exception):
    """Too much was guessed at this account or from this address; later may be better."""


class Accounts(Protocol):
    """Who may look into the book: the SMTP door's own checker stands behind it (Argon2, limits for guessers)."""

    async def check(self, login: bytes, password: bytes, address: str) -> bool:
        """Whether they are right; takes its time when they are not. Raises :class:`TooManyGuesses`."""
        ...

    def close(self) -> None:
        """Nobody will be checked any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapListener:
    """One address and port: TLS from the first byte, or StartTLS; in clear on loopback only."""

    name: str
    host: str
    port: int = 0
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapLimits:
    """What one client, and all of them, may ask for."""

    max_entries: int = 200
    """Told in one search, pages together: an address book completes names, it is no copy of the directory."""
    max_seconds: float = 10.0
    max_message: int = 16 << 10
    max_connections: int = 200
    max_per_address: int = 50
    at_once: int = 8
    """Searches of one connection under way; Abandon needs that there be several."""
    threads: int = 2
    waiting: int = 64
    """Searches of all connections that wait for a thread; the next hears busy."""
    max_bad_binds: int = 3
    max_pages: int = 4
    """Paged searches of one connection that wait for their next page."""
    idle: timedelta = timedelta(minutes=15)
    unbound: timedelta = timedelta(minutes=1)
    """For who has not logged in."""
    message: timedelta = timedelta(seconds=20)
    """For the rest of a message that has begun, and for the client to take an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapFaceSettings:
    """All that the face is told; ``SettingsRefused`` when it could be asked in clear from outside."""

    listeners: tuple[LdapListener, ...]
    base: str = "o=annuaire"
    anonymous: bool = False
    limits: LdapLimits = LdapLimits()

    def __post_init__(self) -> None:
        """Refuse clear text beyond loopback, and a base that is no name."""
        for listener in self.listeners:
            if listener.tls is None and not is_loopback(listener.host):
                raise SettingsRefused(f"ldap listener {listener.name}: beyond loopback only with TLS")
            if listener.implicit_tls and listener.tls is None:
                raise SettingsRefused(f"ldap listener {listener.name}: no certificate")
        try:
            levels = parse_name(self.base)
        except BadName as error:
            raise SettingsRefused(f"ldap: base is no distinguished name: {error}") from error
        if not levels:
            raise SettingsRefused("ldap: base is empty; the default is o=annuaire")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
