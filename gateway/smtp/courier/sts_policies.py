"""The MTA-STS policies of the domains we write to, remembered as long as they say (RFC 8461 §5), in memory.

A domain is looked at before its first mail; from then on behind the mails' back. Whatever fails later leaves the policy
that is known in force until its own end: silence is what somebody who wants to read the mail would bring about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.moments import EPOCH
from gateway.smtp.courier.failures import HandOverFailure
from gateway.smtp.courier.sts import BadPolicy, StsPolicy, read_policy, record_id

FRESH = timedelta(hours=1)
"""How long nothing is asked about a domain after its record was seen."""
AGAIN = timedelta(minutes=5)
"""The same, after something failed or nothing was found (RFC 8461 §3.3: no more often)."""
RENEWED = timedelta(days=1)
"""A policy older than that is fetched again though its id is the same, so that it does not run out (RFC 8461 §3.3)."""
REMEMBERED = 5000

_log = structlog.get_logger(__name__)


class PolicyUnavailable(Exception):
    """The policy could not be fetched."""


class Texts(Protocol):
    """TXT records."""

    async def txt(self, name: str) -> tuple[str, ...]:
        """The texts at the name, empty when there are none; raises ``HandOverFailure``."""


Fetch = Callable[[str], Awaitable[str]]
"""The policy file of a domain; raises ``PolicyUnavailable``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    look_at: datetime
    id: str = ""
    policy: StsPolicy | None = None
    fetched_at: datetime = EPOCH
    until: datetime = EPOCH


class StsPolicies:
    """Asks, remembers, asks again. ``end`` stops what is being asked."""

    def __init__(self, texts: Texts, fetch: Fetch, *, clock: Callable[[], datetime]) -> None:
        """``clock`` gives aware UTC times."""
        self._texts, self._fetch, self._clock = texts, fetch, clock
        self._known: dict[str, _Known] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def policy(self, domain: str) -> StsPolicy | None:
        """The policy in force, ``None`` when there is none; waits only for a domain of which nothing is known."""
        known, now = self._known.get(domain), self._clock()
        if known is None or (known.policy is not None and known.until <= now) or _is_ahead(known, now):
            await asyncio.shield(self._look(domain))
        elif known.look_at <= now:
            self._look(domain)
        known = self._known.get(domain)
        return known.policy if known and known.until > self._clock() else None

    async def end(self) -> None:
        """Stops asking."""
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    def _look(self, domain: str) -> asyncio.Task[None]:
        """One look at a time for each domain."""
        if domain not in self._looking:
            task = self._looking[domain] = asyncio.get_running_loop().create_task(self._see(domain))
            task.add_done_callback(lambda _: self._looking.pop(domain, None))
        return self._looking[domain]

    async def _see(self, domain: str) -> None:
        now = self._clock()
        known = self._known.pop(domain, None) or _Known(look_at=now)
        if known.until <= now:
            known = _Known(look_at=now)
        self._known[domain] = replace(known, look_at=now + AGAIN)
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        found = await self._id(domain)
        if not found:
            return  # a policy that is known outlives its record (RFC 8461 §5.1)
        if found == known.id and now < known.fetched_at + RENEWED:
            self._known[domain] = replace(known, look_at=now + FRESH)
            return
        try:
            policy = read_policy(await self._fetch(domain))
        except (PolicyUnavailable, BadPolicy) as error:
            _log.warning("mta-sts-policy-not-read", why=type(error).__name__, kept=known.policy is not None)
            return
        self._known[domain] = _Known(
            look_at=now + FRESH, id=found, policy=policy, fetched_at=now, until=now + policy.max_age
        )

    async def _id(self, domain: str) -> str | None:
        try:
            return record_id(await self._texts.txt(f"_mta-sts.{domain}"))
        except HandOverFailure:
            return None


def _is_ahead(known: _Known, now: datetime) -> bool:
    """Whether the clock was set back since."""
    return known.look_at > now + FRESH
