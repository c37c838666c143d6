"""Who gets the letter of a practitioner who is away: the substitute, or his; never one who is away as well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from directory import Directory
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Stopped
from gateway.identifiers import Rpps
from gateway.letter import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class StandsIn:
    """The number to write to, the practitioner's own when nobody stands in, and how it was found."""

    rpps: Rpps
    reasons: tuple[Reason, ...] = ()


def who_stands_in(rpps: Rpps, directory: Directory, now: datetime) -> StandsIn | Stopped:
    """Follow substitutes until one is there; absences count from their first to their last moment alone.

    Where the chain ends with somebody away whom nobody replaces, the first one's own mailbox is as good: it is his
    letter. Substitutes who lead back to each other are the administrator's mistake, and stop the letter.
    """
    number, seen, trail = rpps, {rpps}, list[Reason]()
    while absence := directory.absence(number, now):
        if absence.substitute is None:
            return StandsIn(rpps=rpps, reasons=(*trail, because("absent-without-substitute")))
        number = Rpps(absence.substitute)
        if number in seen:
            return Stopped(reasons=(*trail, because("absence-loop")))
        seen.add(number)
        trail.append(because("substitute", rpps=number))
    return StandsIn(rpps=number, reasons=tuple(trail))
