"""Which of several personal mailboxes of one number: a table of preferences, in their order; never by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

from directory import Mailbox
from directory.fold import same_family, structure_number
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.reasons import because
from gateway.addressing.verdicts import Chosen, Stopped
from gateway.identifiers import Finess, Siret

Place = Finess | Siret | None
"""The organisation that the letter names, where it names one."""


def _elsewhere(box: Mailbox, place: Place, policy: AddressingPolicy) -> float:
    return place is None or structure_number(box.structure) != place


def _behind(box: Mailbox, place: Place, policy: AddressingPolicy) -> float:
    return math.inf if box.rank is None else box.rank


def _of_one_place(box: Mailbox, place: Place, policy: AddressingPolicy) -> float:
    generic = policy.generic_domains
    return generic.index(box.domain) if box.domain in generic else len(generic)


def _bound(box: Mailbox, place: Place, policy: AddressingPolicy) -> float:
    return bool(box.structure)


PREFERENCES: tuple[tuple[str, Callable[[Mailbox, Place, AddressingPolicy], float]], ...] = (
    ("chosen-by-structure", _elsewhere),
    ("chosen-by-preference", _behind),
    ("chosen-by-generic-domain", _of_one_place),
    ("chosen-by-person", _bound),
)
"""Each gives a mailbox a number; the smallest are kept, and the one that leaves a single mailbox is told."""


def best(personal: Sequence[Mailbox], place: Place, policy: AddressingPolicy) -> Chosen | Stopped | None:
    """One of those that accept mail, if any does; where they bear two persons' names only a rank may decide."""
    willing = [box for box in personal if box.accepts is not False]
    if not willing:
        return None
    return _by_rank_alone(willing) if _of_two_persons(personal) else _preferred(willing, place, policy)


def _preferred(boxes: Sequence[Mailbox], place: Place, policy: AddressingPolicy) -> Chosen:
    if len(_addresses(boxes)) == 1:
        return Chosen(mailbox=boxes[0].address, reasons=(because("one-mailbox"),))
    several, left = because("several-mailboxes", count=len(_addresses(boxes))), boxes
    for code, dislike in PREFERENCES:
        least = min(dislike(box, place, policy) for box in left)
        left = [box for box in left if dislike(box, place, policy) == least]
        if len(_addresses(left)) == 1:
            return Chosen(mailbox=left[0].address, reasons=(several, because(code)))
    first = min(left, key=lambda box: box.address.lower())
    return Chosen(mailbox=first.address, reasons=(several, because("chosen-by-order")))


def _by_rank_alone(boxes: Sequence[Mailbox]) -> Chosen | Stopped:
    """Of mailboxes of two persons: the one that the administrator put first, else none."""
    several = because("several-mailboxes", count=len(_addresses(boxes)))
    first = min((box.rank for box in boxes if box.rank is not None), default=None)
    left = {box.address for box in boxes if first is not None and box.rank == first}
    if len(left) != 1:
        return Stopped(reasons=(several, because("two-names")))
    return Chosen(mailbox=left.pop(), reasons=(several, because("chosen-by-preference")))


def _of_two_persons(boxes: Sequence[Mailbox]) -> bool:
    """Whether one number has mailboxes with two persons' names: one line of the directory is somebody else's."""
    names = {box.family for box in boxes if box.family}
    strangers = any(not same_family(one, other) for one, other in combinations(names, 2))
    return strangers and len(_addresses(boxes)) > 1


def _addresses(boxes: Sequence[Mailbox]) -> set[str]:
    return {box.address.lower() for box in boxes}
