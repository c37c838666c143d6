"""Where the mail of a domain goes: an operator's submission service, or the MX of the domain itself."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gateway.errors import SettingsRefused
from gateway.smtp.courier.dane import Tlsa
from gateway.smtp.courier.failures import HopRefused, Phase
from gateway.smtp.courier.tls import Floor, check_context


class Security(StrEnum):
    """How the connection is protected before a single command that names anybody."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    UNSAFE_CLEAR_ON_LOOPBACK = "unsafe-clear-on-loopback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """SASL user and password at an operator; only ever used inside TLS."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One next hop. ``server_name`` is the name its certificate must carry (``host`` unless stated).

    ``floor`` is what the session must be; ``tlsa``, when not empty, are the records one of which must be about its
    certificate, valid for one of ``tlsa_names`` where the record asks for that. ``subjects``, when not empty, further
    demands that CN and OU of its certificate are one of these pairs: the DNCertificatOperateur of the white list
    (référentiel #1), compared without case and with spaces folded. ``addresses`` spare asking the system for them.
    Raises ``SettingsRefused`` when it would verify less than its floor says, go below TLS 1.2, send a login to somebody
    who was not verified, or leave loopback in clear.
    """

    host: str
    port: int
    security: Security = Security.STARTTLS
    context: ssl.SSLContext | None = None
    server_name: str = ""
    login: Login | None = None
    subjects: frozenset[tuple[str, str]] = frozenset()
    floor: Floor = Floor.VERIFY
    tlsa: frozenset[Tlsa] = frozenset()
    tlsa_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Refuses what is below the floor."""
        if self.security is Security.UNSAFE_CLEAR_ON_LOOPBACK:
            if not _is_loopback(self.host):
                raise SettingsRefused("a next hop in clear that is not on this machine")
            if self.login is not None:
                raise SettingsRefused("a login in clear")
        elif self.context is None:
            raise SettingsRefused("a next hop without TLS context")
        else:
            verifies = self.floor >= Floor.VERIFY
            check_context(self.context, verifies=verifies and not self.tlsa)
            if self.login is not None and not verifies:
                raise SettingsRefused("a login to a next hop that is not verified")

    @property
    def name(self) -> str:
        """The name to verify."""
        return self.server_name or self.host

    @property
    def destination(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"


class Routes(Protocol):
    """Where to hand over mail for a domain."""

    def destination(self, domain: str) -> str:
        """What its mail has in common with other mail that fails or is slow together with it; asks nobody."""

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        """The hops in the order to try; raises ``HandOverFailure`` when there is none."""

    async def end(self) -> None:
        """Stops whatever is asked behind the mails' back."""


class StaticRoutes:
    """A hop per domain from the settings, and one for every other domain (the operator) or none."""

    def __init__(self, by_domain: Mapping[str, Hop], default: Hop | None = None) -> None:
        """Domains are compared without case."""
        self._by_domain = {domain.lower(): hop for domain, hop in by_domain.items()}
        self._default = default

    def destination(self, domain: str) -> str:
        """The hop's, or the domain when there is none."""
        hop = self._by_domain.get(domain.lower(), self._default)
        return hop.destination if hop else domain.lower()

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        """The domain's own hop, else the default; ``HopRefused`` 5.1.2 when neither exists."""
        hop = self._by_domain.get(domain.lower(), self._default)
        if hop is None:
            raise HopRefused("no route for this domain and no default", phase=Phase.CONNECT, status="5.1.2")
        return (hop,)

    async def end(self) -> None:
        """Nothing to stop."""


class RoutesByDomain:
    """The hops of the settings where they name the domain, other routes for every other one."""

    def __init__(self, by_domain: Mapping[str, Hop], otherwise: Routes) -> None:
        """Domains are compared without case."""
        self._by_domain = {domain.lower(): hop for domain, hop in by_domain.items()}
        self._otherwise = otherwise

    def destination(self, domain: str) -> str:
        """The hop's, else what ``otherwise`` says."""
        hop = self._by_domain.get(domain.lower())
        return hop.destination if hop else self._otherwise.destination(domain)

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        """The domain's own hop, else what ``otherwise`` says."""
        hop = self._by_domain.get(domain.lower())
        return (hop,) if hop else await self._otherwise.hops(domain)

    async def end(self) -> None:
        """Stops the others."""
        await self._otherwise.end()


class MxResolver(Protocol):
    """Asks the DNS; the caller brings a validating one."""

    async def mx(self, domain: str) -> tuple[str, ...]:
        """Host names by preference (RFC 5321 §5.1), the domain itself when it has no MX; raises HandOverFailure."""


class Operators(Protocol):
    """The white list as the courier needs it."""

    def subjects(self, domain: str) -> frozenset[tuple[str, str]]:
        """(CN, OU) of the certificates that may take mail for the domain; empty when the domain is not listed.

        Raises ``TransientFailure`` when there is no list to ask.
        """


class MxRoutes:
    """Straight to the MX of white-listed domains, mutual TLS on port 25 (référentiel #1, mssante.md §1.2)."""

    def __init__(
        self,
        resolver: MxResolver,
        operators: Operators,
        *,
        context: ssl.SSLContext,
        port: int = 25,
        outside: Routes | None = None,
    ) -> None:
        """``context`` holds IGC-Santé's roots and our own server certificate; ``outside`` is for domains not listed."""
        check_context(context, verifies=True)
        self._resolver = resolver
        self._operators = operators
        self._context = context
        self._port = port
        self._outside = outside

    def destination(self, domain: str) -> str:
        """The domain: its hosts are tried one after the other for the same mail."""
        return domain.lower()

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        """One hop per MX; for a domain that is not listed what ``outside`` says, or ``HopRefused`` 5.7.1."""
        subjects = self._operators.subjects(domain.lower())
        if subjects:
            return tuple(
                Hop(host=host, port=self._port, context=self._context, subjects=subjects, floor=Floor.MUTUAL)
                for host in await self._resolver.mx(domain.lower())
            )
        if self._outside is None:
            raise HopRefused("domain not in the white list", phase=Phase.CONNECT, status="5.7.1")
        return await self._outside.hops(domain)

    async def end(self) -> None:
        """Stops the others."""
        if self._outside is not None:
            await self._outside.end()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
