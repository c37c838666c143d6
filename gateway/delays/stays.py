"""Learns stays from ADT: keeps each movement once, draws the stay again, ties waiting letters (PAM.fr 2.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, update

from gateway.delays.clock import plausible
from gateway.delays.course import OPPOSED, UNOPPOSED
from gateway.delays.identity import (
    PatientKeys,
    Pseudonym,
    StayKeys,
    merged_with,
    patient_keys,
    stay_keys,
    survivor,
)
from gateway.delays.letters import rekey_letters, retie
from gateway.delays.project import project, stay_now
from gateway.delays.settle import settle
from gateway.delays.statements import insert_new
from gateway.delays.tables import movement, stay
from gateway.delays.wishes import of_patient, stays_of
from gateway.document import Movement, Role
from gateway.prepared import Row

MERGES = frozenset({"A40", "A47"})
_IDENTITY = frozenset({"A28", "A31"})
"""What these say of an opposition is the patient's word, whatever stay or account they name (PID-18)."""
_PROTECTION = {True: "Y", False: "N", None: None}
_BLANK: dict[str, Any] = dict.fromkeys(  # Any: what a column may hold
    column.name for column in movement.c if column.name not in {"seq", "fingerprint", "at"}
) | {"no_gp": False}


class Change(StrEnum):
    """What a movement did."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    MERGED = "merged"
    IGNORED = "ignored"
    """It names no stay, merges no patients, and says of none that he opposes the sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayChange:
    """What is known of the stay after a movement; ``key`` is a pseudonym."""

    change: Change
    key: str | None = None
    discharged_at: datetime | None = None
    told_by: str | None = None
    conflict: bool = False
    apart: str | None = None
    opposed: bool = False
    """Whether nothing about the stay may be sent to professionals now, and whether that was so before."""
    was_opposed: bool = False
    retied: tuple[str, ...] = ()
    """Letters that this movement tied, or tied otherwise."""
    numbers: tuple[str, ...] = field(repr=False, default=())
    """Pseudonyms of the patient's, when it changed what is known of all his stays: a merge, or what he opposes."""
    stays: tuple[str, ...] = ()
    """Keys of all stays that were drawn again."""
    row: Row | None = field(repr=False, default=None, compare=False)
    """What was kept of the movement; ``None`` when it was heard before."""


def record_movement(
    connection: Connection,
    heard: Movement,
    *,
    source: str,
    pseudonym: Pseudonym,
    at: datetime,
    details: bytes | None = None,
) -> StayChange:
    """Keep ``heard`` and bring its stay, its letters and their timing up to date, in the caller's transaction.

    A message heard before changes nothing. Any order of arrival ends in the same stay, since the whole course is
    folded again by the time it was written down (EVN-2). ``details`` is what the caller sealed, kept as it is.
    """
    row = movement_row(heard, source=source, pseudonym=pseudonym)
    return record_row(connection, row, at, details=details)


def oppose(connection: Connection, numbers: StayKeys, at: datetime, *, withdrawn: bool = False) -> StayChange:
    """Record that the patient opposes the sending (art. L.1110-4 CSP), or does not any more: counted apart.

    What the hospital's ADT says (PD1-12) stands beside it: neither takes back the other.

    The stay need not be known yet; its ADT may come later.
    """
    return record_row(connection, opposition_row(numbers, at, withdrawn=withdrawn), at)


def record_row(connection: Connection, row: Row, at: datetime, *, details: bytes | None = None) -> StayChange:
    """:func:`record_movement` for a row of ``movement`` as :func:`movement_row` or :func:`opposition_row` makes it."""
    if not insert_new(connection, movement, [{**row, "at": at}]):
        return StayChange(change=Change.REPEATED, key=row["stay_key"])
    return replace(_changed(connection, row, at, details), row=row)


def _changed(connection: Connection, row: Row, at: datetime, details: bytes | None) -> StayChange:
    if row["trigger"] in MERGES and row["prior_key"]:
        return _merge(connection, row)
    if row["stay_key"] is None:
        return _told_of_patient(connection, row)
    change = _redraw(connection, row, at, details)
    if row["trigger"] not in _IDENTITY or row["protection"] is None:
        return change
    told = _told_of_patient(connection, row)
    retied = tuple(sorted({*change.retied, *told.retied}))
    return replace(change, retied=retied, numbers=told.numbers, stays=(*change.stays, *told.stays))


def movement_row(heard: Movement, *, source: str, pseudonym: Pseudonym) -> Row:
    """What is kept of a movement: pseudonyms, codes, times."""
    numbers = stay_keys(heard.stay, source, pseudonym)
    prior = patient_keys(heard.prior_patient, numbers.hospital, pseudonym)
    row = _BLANK | {
        "stay_key": numbers.key,
        "prior_key": prior.ipp_key or prior.ins_key,
        "source": source,
        "trigger": heard.trigger,
        "original_trigger": heard.original_trigger,
        "action": heard.action,
        "reference": pseudonym("movement", heard.movement_id) if heard.movement_id else None,
        "visit_key": numbers.visit_key,
        "file_key": numbers.file_key,
        **patient_keys(heard.patient, numbers.hospital, pseudonym).values(),
        "hospital": numbers.hospital,
        "unit": heard.stay.unit,
        "admitted_at": plausible(heard.stay.admitted_at),
        **{name: plausible(getattr(heard, name)) for name in ("pv1_45", "zbe_2", "evn_6", "evn_2")},
        "disposition": heard.disposition,
        "exit_mode": heard.exit_mode,
        "no_gp": heard.no_gp,
        "protection": _PROTECTION[heard.protected],
        "gp_rpps": _numbers_of(heard, Role.GP),
        "referrer_rpps": _numbers_of(heard, Role.REFERRER),
    }
    return {**row, "fingerprint": _fingerprint(row, pseudonym("control", heard.control_id))}


def opposition_row(numbers: StayKeys, at: datetime, *, withdrawn: bool) -> Row:
    """What is kept of an opposition; ValueError for a stay without a number."""
    if numbers.key is None:
        raise ValueError("an opposition is about a stay, which has a number")
    row = _BLANK | {
        "stay_key": numbers.key,
        "source": "person",
        "trigger": UNOPPOSED if withdrawn else OPPOSED,
        "visit_key": numbers.visit_key,
        "file_key": numbers.file_key,
        "hospital": numbers.hospital,
        "evn_2": at,
    }
    return {**row, "fingerprint": _fingerprint(row, "")}


def _numbers_of(heard: Movement, role: Role) -> str | None:
    found = sorted({str(one.rpps) for one in heard.gps if one.role is role and one.rpps})
    return " ".join(found) or None


def _fingerprint(row: Row, control: str) -> str:
    """The message as far as it matters here: some senders write one MSH-10 on everything, so it is not enough."""
    # What revision 0010 added counts where it is told: a replay of an older message must still be known.
    kept = ((name, value) for name, value in row.items() if name != "protection" or value)
    told = (f"{name}={value.isoformat() if isinstance(value, datetime) else value}" for name, value in kept)
    return sha256("\x1f".join((control, *told)).encode()).hexdigest()


def _redraw(connection: Connection, row: Row, at: datetime, details: bytes | None) -> StayChange:
    key = row["stay_key"]
    blank = {"key": key, "hospital": row["hospital"], "first_at": at, "conflict": False, "cancelled": False}
    insert_new(connection, stay, [blank])
    if details is not None:
        connection.execute(update(stay).where(stay.c.key == key).values(details=details))
    before = project(connection, key)
    retied = retie(connection, key, before)
    settle(connection, [key])
    now = stay_now(connection, key)
    return StayChange(
        change=Change.RECORDED,
        key=key,
        discharged_at=now["discharged_at"],
        told_by=now["discharge_told_by"],
        conflict=now["conflict"],
        apart=now["apart"],
        opposed=now["opposed_at"] is not None,
        was_opposed=before["opposed_at"] is not None,
        retied=retied,
        stays=(key,),
    )


def _told_of_patient(connection: Connection, row: Row) -> StayChange:
    """An identity message: what it says of the patient's opposition counts for every stay and letter of his numbers."""
    said = PatientKeys.of(row)
    numbers = said.numbers | survivor(connection, said).numbers
    if row["protection"] is None or not numbers:
        return StayChange(change=Change.IGNORED)
    stays = stays_of(connection, numbers)
    retied = _drawn_again(connection, stays)
    return StayChange(change=Change.RECORDED, retied=retied, numbers=tuple(numbers), stays=tuple(stays))


def _merge(connection: Connection, row: Row) -> StayChange:
    """A40, A47: stays and letters of the prior number become the survivor's, and may now find each other."""
    numbers = merged_with(connection, row["prior_key"])
    stays = stays_of(connection, frozenset(numbers))
    rekey_letters(connection, of_patient(numbers))
    retied = _drawn_again(connection, stays)
    return StayChange(change=Change.MERGED, retied=retied, numbers=tuple(numbers), stays=tuple(stays))


def _drawn_again(connection: Connection, keys: Sequence[str]) -> tuple[str, ...]:
    retied: list[str] = []
    for key in keys:
        before = project(connection, key)
        retied += retie(connection, key, before)
    settle(connection, keys)
    return tuple(sorted(set(retied)))
