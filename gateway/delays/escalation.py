"""What is done for a letter that no proof came of, and when: pure, one step at a time, never after a proof.

Each step comes at a fraction of the time that was left when the letter came to us. What was missed (a machine that
stood still, a bounce on the sixth day) is made up for one by one, ``pause`` apart: a GP who reads his other mailbox
must not find three copies in one minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Step(StrEnum):
    """What can be done; the order is the settings'."""

    REMIND = "remind"
    """Tell the author's service once more."""
    OTHER_BOX = "other-box"
    """Another mailbox of the same practitioner."""
    ORGANISATION = "organisation"
    """The one mailbox of his practice."""
    SUBSTITUTE = "substitute"
    """Whoever the directory names in his absence."""
    PHONE = "phone"
    """A person calls."""
    PAPER = "paper"
    """A person prints and posts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A step and when: 0 as the letter comes, 1 at its deadline."""

    step: Step
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The steps in their order. ``least`` is the time that a letter gets which came shortly before its deadline."""

    rungs: tuple[Rung, ...] = ()
    least: timedelta = timedelta(hours=24)
    pause: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From the letter's coming to its deadline, which may have passed before it came."""

    start: datetime
    deadline: datetime

    def moment(self, share: float, least: timedelta) -> datetime:
        """When ``share`` of the time is over."""
        return self.start + max(self.deadline - self.start, least) * share


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was taken; ``effect`` is false for one that found nothing to do."""

    at: datetime
    effect: bool = True


def due(now: datetime, clock: Span, done: Mapping[Step, Taken], ladder: Ladder, *, proved: bool) -> Step | None:
    """The step to take now, or none: what is proved needs none, what was done is never done again.

    A later step never overtakes an earlier one. ``proved`` says whether a sufficient proof came, or nobody waits for
    one any more (cancelled, opposed).
    """
    if proved:
        return None
    following = next((rung for rung in ladder.rungs if rung.step not in done), None)
    if following is None or now < clock.moment(following.at, ladder.least):
        return None
    last = max((taken.at for taken in done.values() if taken.effect), default=None)
    return None if last is not None and now < last + ladder.pause else following.step
