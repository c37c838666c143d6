"""Which mailbox of whoever is meant: the one that the sender gave, his substitute's, his own, his practice's."""

from __future__ import annotations

from datetime import datetime

from directory import Directory, owners
from gateway.addressing.policy import AddressingPolicy
from gateway.addressing.practice import of_house
from gateway.addressing.reasons import because
from gateway.addressing.rules import Sought, after, by_number, is_no_doctor, is_sought_as_gp
from gateway.addressing.said import as_sender_says
from gateway.addressing.standing_in import who_stands_in
from gateway.addressing.verdicts import Chosen, Stopped
from gateway.addressing.wanted import Wanted
from gateway.identifiers import Idnps, Rpps, idnps


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
    if is_sought_as_gp(wanted) and is_no_doctor(owners(known)):
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
        return after(stands_in.reasons, _by_number(idnps(stands_in.rpps), wanted, directory, policy))
    # The letter's organisation and mailbox are the absent one's, not his substitute's.
    found = _by_number(idnps(stands_in.rpps), Wanted(role=wanted.role), directory, policy)
    if isinstance(found, Stopped):
        found = Stopped(reasons=(*found.reasons, because("substitute-unreachable", rpps=stands_in.rpps)))
    return after(stands_in.reasons, found)


def _by_number(identifier: Idnps, wanted: Wanted, directory: Directory, policy: AddressingPolicy) -> Chosen | Stopped:
    boxes = directory.by_national_id("IDNPS", identifier)
    return by_number(Sought(identifier=identifier, wanted=wanted, boxes=boxes, directory=directory, policy=policy))
