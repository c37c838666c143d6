"""Which mailbox of a practitioner: by number, structure, preference, generic domain; never by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import combinations

from directory import Directory, Mailbox, owners
from directory.fold import same_family, structure_number
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.practice import of_house, of_practice, practices
from gateway.addressing.reasons import because
from gateway.addressing.said import as_sender_says
from gateway.addressing.standing_in import who_stands_in
from gateway.addressing.verdicts import Chosen, Stopped
from gateway.addressing.wanted import Wanted
from gateway.document import Role
from gateway.identifiers import Finess, Idnps, Rpps, Siret, idnps
from gateway.letter import Reason

DOCTOR = "10"
"""Médecin (TRE_G15, "Code Profession" of the extraction)."""


def choose(wanted: Wanted, directory: Directory, policy: AddressingPolicy, now: datetime) -> Chosen | Stopped:
    """The mailbox for somebody who is meant: as given, else by RPPS, else by ADELI, else by organisation."""
    if wanted.given and wanted.mailbox:
        return _as_given(wanted, wanted.mailbox, directory, now)
    if wanted.rpps:
        return _by_rpps(wanted.rpps, wanted, directory, policy, now)
    if wanted.adeli:
        return _by_number(idnps(wanted.adeli), wanted, directory, policy)
    if wanted.mailbox:
        return _as_given(wanted, wanted.mailbox, directory, now)
    return of_house([wanted.organisation] if wanted.organisation else [], directory, policy)


def _as_given(wanted: Wanted, mailbox: str, directory: Directory, now: datetime) -> Chosen | Stopped:
    """A mailbox that the sender gave is used as it is, and an absence only told, unless it is another's."""
    known = directory.by_mailbox(mailbox)
    decided = as_sender_says(mailbox, idnps(wanted.rpps), directory) if wanted.rpps else None
    if isinstance(decided, Stopped):
        return decided
    if _is_sought_as_gp(wanted) and is_no_doctor(owners(known)):
        return Stopped(reasons=(because("gp-not-a-doctor"),))
    absent = any(directory.absence(rpps, now) for rpps in {box.rpps for box in owners(known)} if rpps)
    return Chosen(mailbox=mailbox, reasons=(because("owner-absent"),) if absent else ())


def _by_rpps(
    rpps: Rpps, wanted: Wanted, directory: Directory, policy: AddressingPolicy, now: datetime
) -> Chosen | Stopped:
    stands_in = who_stands_in(rpps, directory, now)
    if isinstance(stands_in, Stopped):
        return stands_in
    if stands_in.rpps == rpps:
        return _after(stands_in.reasons, _by_number(idnps(stands_in.rpps), wanted, directory, policy))
    # The letter's organisation and mailbox are the absent one's, not his substitute's.
    found = _by_number(idnps(stands_in.rpps), Wanted(role=wanted.role), directory, policy)
    if isinstance(found, Stopped):
        found = Stopped(reasons=(*found.reasons, because("substitute-unreachable", rpps=stands_in.rpps)))
    return _after(stands_in.reasons, found)


def _after(trail: Sequence[Reason], outcome: Chosen | Stopped) -> Chosen | Stopped:
    reasons = (*trail, *outcome.reasons)
    return Chosen(mailbox=outcome.mailbox, reasons=reasons) if isinstance(outcome, Chosen) else Stopped(reasons=reasons)


def _by_number(identifier: Idnps, wanted: Wanted, directory: Directory, policy: AddressingPolicy) -> Chosen | Stopped:
    boxes = directory.by_national_id("IDNPS", identifier)
    if _is_sought_as_gp(wanted) and is_no_doctor(boxes):
        return Stopped(reasons=(because("gp-not-a-doctor"),))
    trail: list[Reason] = []
    if wanted.mailbox:
        decided = as_sender_says(wanted.mailbox, identifier, directory)
        if decided:
            return decided
        if not boxes:
            return Chosen(mailbox=wanted.mailbox)
        trail.append(because("sender-mailbox-ignored"))
    personal = [box for box in boxes if box.personal]
    willing = [box for box in personal if box.accepts is not False]
    if willing:
        of_two = _of_two_persons(personal)
        found = _by_rank_alone(willing) if of_two else _best(willing, wanted.organisation, policy)
        return _after(trail, found)
    if personal:
        return Stopped(reasons=(*trail, because("refuses-electronic-mail")))
    return _after(trail, _of_his_practice(identifier, wanted, directory, policy))


def is_no_doctor(boxes: Sequence[Mailbox]) -> bool:
    """Whether the directory states other professions alone: a nurse's or a pharmacist's number is nobody's GP."""
    professions = {box.profession for box in boxes if box.profession}
    return bool(professions) and DOCTOR not in professions


def _is_sought_as_gp(wanted: Wanted) -> bool:
    return wanted.role is Role.GP and not wanted.assumed


def _best(boxes: list[Mailbox], organisation: Finess | Siret | None, policy: AddressingPolicy) -> Chosen:
    """One of several personal mailboxes; each rule keeps what it likes best, the one that decides is told."""
    if len(_addresses(boxes)) == 1:
        return Chosen(mailbox=boxes[0].address, reasons=(because("one-mailbox"),))
    several, left = because("several-mailboxes", count=len(_addresses(boxes))), boxes
    for code, dislike in _rules(organisation, policy.generic_domains):
        least = min(map(dislike, left))
        left = [box for box in left if dislike(box) == least]
        if len(_addresses(left)) == 1:
            return Chosen(mailbox=left[0].address, reasons=(several, because(code)))
    first = min(left, key=lambda box: box.address.lower())
    return Chosen(mailbox=first.address, reasons=(several, because("chosen-by-order")))


def _rules(place: Finess | Siret | None, generic: Sequence[str]) -> tuple[tuple[str, Callable[[Mailbox], float]], ...]:
    """In their order; of each mailbox a number, and the smallest is kept."""
    return (
        ("chosen-by-structure", lambda box: place is None or structure_number(box.structure) != place),
        ("chosen-by-preference", lambda box: math.inf if box.rank is None else box.rank),
        ("chosen-by-generic-domain", lambda box: generic.index(box.domain) if box.domain in generic else len(generic)),
        ("chosen-by-person", lambda box: bool(box.structure)),
    )


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


def _of_his_practice(
    identifier: Idnps, wanted: Wanted, directory: Directory, policy: AddressingPolicy
) -> Chosen | Stopped:
    person = directory.practitioner(identifier)
    if person is None:
        return Stopped(reasons=(because("unknown-number"),))
    if _is_sought_as_gp(wanted) and person.profession not in {"", DOCTOR}:
        return Stopped(reasons=(because("gp-not-a-doctor"),))
    return of_practice(practices(person, named=wanted.organisation), directory, policy)
