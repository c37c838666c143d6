"""Which other mailboxes there are for somebody whom a letter does not reach: the directory's, by number, never by name.

What is found here is only proposed: whether it may be written to, and how, the addressing station decides each time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from directory import Directory, Mailbox
from gateway.addressing.practice import is_ones_own, practices
from gateway.delays.escalation import Step
from gateway.identifiers import Rpps
from gateway.service.road.trouble import directory_trouble

_LAST = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A mailbox and whose it is; an organisation's is nobody's."""

    mailbox: str = field(repr=False)
    rpps: Rpps | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is none, for this reason."""

    code: str


def proposed(
    step: Step, rpps: str | None, directory: Directory, *, tried: Collection[str], now: datetime
) -> tuple[Proposed, ...] | Nothing:
    """What to try, best first; ``tried`` mailboxes (in lower case) are left out. Raises StorageUnavailable."""
    if not rpps:
        return Nothing("no-number")
    with directory_trouble():
        match step:
            case Step.OTHER_BOX:
                found = _personal(rpps, directory)
            case Step.SUBSTITUTE:
                substitute = _substitute(rpps, directory, now)
                found = _personal(substitute, directory) if substitute else []
            case _:
                found = _of_practice(rpps, directory)
                if len({box.mailbox.lower() for box in found}) > 1:
                    return Nothing("several-organisations")
                found = [one for one in found if not is_ones_own(one.mailbox, directory)]
    left = tuple(box for box in found if box.mailbox.lower() not in tried)
    return left or Nothing(f"no-{step.value}")


def _personal(rpps: str, directory: Directory) -> list[Proposed]:
    boxes = [box for box in directory.by_rpps(rpps) if box.personal and box.accepts is not False]
    return [Proposed(mailbox=box.address, rpps=Rpps(rpps)) for box in sorted(boxes, key=_order)]


def _substitute(rpps: str, directory: Directory, now: datetime) -> str | None:
    """Of whoever is away himself, the next one; ``None`` when nobody is named, or they lead back to each other."""
    seen, number = {rpps}, rpps
    while absence := directory.absence(number, now):
        if absence.substitute is None or absence.substitute in seen:
            return None
        number = absence.substitute
        seen.add(number)
    return number if number != rpps else None


def _of_practice(rpps: str, directory: Directory) -> list[Proposed]:
    """The mailboxes of his practices as a whole, never one of a service in them."""
    person = directory.practitioner(rpps)
    places = practices(person) if person else []
    boxes = {box.address.lower(): box for place in places for box in directory.by_structure(place)}
    whole = [box for box in boxes.values() if box.accepts is not False and not box.service]
    return [Proposed(mailbox=box.address, rpps=None) for box in sorted(whole, key=_order)]


def _order(box: Mailbox) -> tuple[int, str]:
    return (_LAST if box.rank is None else box.rank, box.address.lower())
