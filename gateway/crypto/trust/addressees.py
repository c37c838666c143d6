"""Whether addressees' certificates may still be used: asked before composing, never in an SMTP transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from gateway.crypto.trust.errands import Errands
from gateway.errors import NoProtection
from gateway.letter import OpenPgp, Protection, Smime, Step, Vetted

_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one certificate: usable when ``why_not`` is empty, ``unknown`` when nobody answered for it."""

    why_not: str = ""
    unknown: bool = False


class Standings(Protocol):
    """Who judges certificates (DER)."""

    def recall(self, certificate: bytes, at: datetime) -> Standing | None:
        """What is known without asking anybody; ``None`` when it is time to ask."""
        ...

    def ask(self, certificate: bytes, at: datetime) -> Standing:
        """Judge it; takes as long as its authorities do."""
        ...

    def unanswered(self) -> Standing:
        """What the rules make of silence."""
        ...


class Vetting:
    """Takes the keys out of a protection that may no longer be used; the others go on in their order (CR-15, CR-19)."""

    def __init__(
        self,
        standings: Standings,
        *,
        longest: timedelta,
        clock: Callable[[], datetime],
        on_unknown: Callable[[], None] = lambda: None,
    ) -> None:
        """``longest`` is how long one certificate keeps its letter waiting, however many authorities are silent.

        ``on_unknown`` hears of each certificate that none answered for, whatever the rules make of it (CR-19).
        """
        self._standings, self._longest, self._clock = standings, longest, clock
        self._on_unknown = on_unknown
        self._errands = Errands(_AT_ONCE)

    async def __call__(self, step: Step) -> Vetted:
        """The protection of ``step`` without what is refused, and why; NoProtection with the first refusal if none is.

        ``detail``: untrusted-certificate, revoked, revocation-unknown. What is not S/MIME is left to its own rules.
        """
        wanted = step.addressed.protection
        if not isinstance(wanted, Smime | OpenPgp):
            return Vetted(protection=wanted)
        left: list[Smime | OpenPgp] = []
        refusals: list[str] = []
        for candidate in (wanted, *wanted.alternatives):
            standing = await self._standing(candidate)
            self._tell(standing, step)
            if standing.why_not:
                refusals.append(standing.why_not)
            else:
                left.append(candidate)
        if not left:
            raise NoProtection(refusals[0])
        return Vetted(protection=_in_order(left), refused=tuple(refusals))

    async def _standing(self, candidate: Smime | OpenPgp) -> Standing:
        if isinstance(candidate, OpenPgp):
            return Standing()
        at = self._clock()
        known = self._standings.recall(candidate.certificate, at)
        if known is not None:
            return known
        asking = self._errands.run(partial(self._standings.ask, candidate.certificate, at))
        try:
            # Who answers later than that is heard for the next letter.
            return await asyncio.wait_for(asking, self._longest.total_seconds())
        except TimeoutError:
            return self._standings.unanswered()

    def _tell(self, standing: Standing, step: Step) -> None:
        if not standing.why_not and not standing.unknown:
            return
        if standing.unknown:
            self._on_unknown()
        structlog.get_logger().warning(
            "key-refused" if standing.why_not else "revocation-unknown",
            letter_id=step.letter.parsed.id,
            delivery_id=step.delivery,
            code=standing.why_not or "revocation-unknown",
        )


def _in_order(left: Sequence[Smime | OpenPgp]) -> Protection:
    first, *others = (replace(each, alternatives=()) for each in left)
    return replace(first, alternatives=tuple(others))
