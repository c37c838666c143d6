"""When to try again, and when to stop: pure, the whole table in one place (promises.md B4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import HuitaineError
from gateway.letter import GiveUp, RetryAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Waits between attempts; the last one repeats until ``expire`` after the letter came in."""

    waits: tuple[timedelta, ...]
    expire: timedelta
    jitter: float = 0.2

    def after(self, attempts: int, *, chance: float) -> timedelta:
        """The wait after the ``attempts``-th failure (1 is the first), ``chance`` in [0, 1) spreading it by ±jitter."""
        wait = self.waits[min(attempts, len(self.waits)) - 1]
        return wait * (1 + self.jitter * (2 * chance - 1))


def decide(
    error: HuitaineError, schedule: Schedule, *, attempts: int, since: datetime, now: datetime, chance: float
) -> RetryAt | GiveUp:
    """What to do after an attempt failed: a permanent failure ends it, a transient one waits until it expires.

    ``error.status`` alone tells the family (RFC 3463); ``error.ambiguous`` is set by the courier after the dot.
    """
    code = getattr(error, "code", None)
    if error.permanent:
        return GiveUp(at=now, status=error.status, reason=error.words, code=code)
    again, unsure = now + schedule.after(attempts, chance=chance), bool(getattr(error, "ambiguous", False))
    if again > since + schedule.expire:
        over = "delivery time expired"
        return GiveUp(at=now, status="4.4.7", reason=over, code=code, expired=True, ambiguous=unsure)
    return RetryAt(at=again, status=error.status, reason=error.words, code=code, ambiguous=unsure)
