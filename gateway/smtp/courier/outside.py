"""To the MX of domains outside the trust space, as safely as they let us: DANE, MTA-STS, never below our own floor.

DANE (RFC 7672) binds a host wherever it publishes records that our resolver vouches for; a policy of MTA-STS (RFC 8461)
in mode ``enforce`` says which hosts there are and that their certificates must be valid. Neither relaxes the other.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.smtp.courier.dane import Tlsa, usable
from gateway.smtp.courier.failures import Below, HandOverFailure, HopBelowFloor
from gateway.smtp.courier.found import Found
from gateway.smtp.courier.routes import Hop
from gateway.smtp.courier.sts import StsMode, StsPolicy
from gateway.smtp.courier.tls import Floor

_log = structlog.get_logger(__name__)


class Names(Protocol):
    """The DNS, as far as it is needed here; each raises ``HandOverFailure``."""

    async def hosts(self, domain: str) -> Found[str]:
        """The mail hosts of a domain in the order to try."""

    async def located(self, host: str) -> Found[str]:
        """The addresses of a host."""

    async def tlsa(self, host: str, port: int) -> tuple[Tlsa, ...]:
        """The records that are vouched for."""


class Policies(Protocol):
    """What domains say about themselves."""

    async def policy(self, domain: str) -> StsPolicy | None:
        """The MTA-STS policy in force."""

    async def end(self) -> None:
        """Stops asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """``floor`` is ENCRYPT or VERIFY; ``verifying`` checks chain and name, ``encrypting`` leaves that to DANE."""

    floor: Floor
    verifying: ssl.SSLContext
    encrypting: ssl.SSLContext
    port: int = 25


class OutsideRoutes:
    """One hop per MX, each with what its domain's policies ask for."""

    def __init__(self, names: Names, policies: Policies, habits: Habits) -> None:
        """Nothing is asked before the first mail."""
        self._names, self._policies, self._habits = names, policies, habits

    def destination(self, domain: str) -> str:
        """The domain."""
        return domain.lower()

    async def hops(self, domain: str) -> tuple[Hop, ...]:
        """The hosts that may be tried; raises ``HandOverFailure``, 4.7.5 when its policy permits none of its hosts."""
        found = await self._names.hosts(domain)
        policy = await self._policies.policy(domain.lower())
        permitted = _permitted(found.records, policy)
        is_enforced = policy is not None and policy.mode is StsMode.ENFORCE
        failure: HandOverFailure | None = None
        hops: list[Hop] = []
        for host in permitted:
            try:
                hops.append(await self._hop(host, domain.lower(), is_secure=found.is_secure, is_enforced=is_enforced))
            except HandOverFailure as error:
                failure = error
        if failure is not None and not hops:
            raise failure
        return tuple(hops)

    async def end(self) -> None:
        """Stops asking for policies."""
        await self._policies.end()

    async def _hop(self, host: str, domain: str, *, is_secure: bool, is_enforced: bool) -> Hop:
        """RFC 7672 §2.2: TLSA counts only when MX and addresses are vouched for too; a failing look-up is no "none"."""
        place = await self._names.located(host)
        records = await self._names.tlsa(host, self._habits.port) if is_secure and place.is_secure else ()
        tlsa = usable(records)
        floor = Floor.VERIFY if tlsa or is_enforced else self._habits.floor
        context = self._habits.verifying if floor is Floor.VERIFY and not tlsa else self._habits.encrypting
        return Hop(
            host=host,
            port=self._habits.port,
            context=context,
            floor=floor,
            tlsa=tlsa,
            tlsa_names=(host, domain),
            addresses=place.records,
        )


def _permitted(hosts: tuple[str, ...], policy: StsPolicy | None) -> tuple[str, ...]:
    """The hosts that the policy names, in mode ``enforce``; all of them otherwise (RFC 8461 §5)."""
    if policy is None or policy.mode is StsMode.NONE:
        return hosts
    permitted = tuple(host for host in hosts if policy.permits(host))
    if policy.mode is StsMode.TESTING:
        if len(permitted) < len(hosts):
            _log.info("mta-sts-testing-host-not-permitted")
        return hosts
    if not permitted:
        raise HopBelowFloor("MTA-STS permits no host", why=Below.NOT_PERMITTED)
    return permitted
