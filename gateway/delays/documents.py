"""What was sent about one patient: found by a number that is his alone, never by a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from gateway.delays.identity import Pseudonym, birth_key, patient_keys, survivor
from gateway.delays.tables import clock
from gateway.document import Identifier, Patient
from gateway.identifiers import DeliveryId, LetterId
from gateway.prepared import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One patient: by INS, or by the hospital's number (IPP) and the birth date, ISO as ``Patient.birth_date``."""

    ins: str = field(repr=False, default="")
    ipp: str = field(repr=False, default="")
    authority: str = ""
    """Who assigned the IPP; where it is not said, every hospital that letters came from is tried."""
    birth_date: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One letter to one addressee, with the moment of each proof."""

    letter_id: LetterId
    delivery_id: DeliveryId
    kind: str | None
    role: str
    hospital: str
    unit: str | None
    received_at: datetime
    proofs: tuple[tuple[str, datetime], ...]
    """Strongest last: sealed, accepted, delivered, processed, displayed, integrated, failed, cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was found; ``unsure`` letters bear the number and not the birth date: none of them is told."""

    sent: tuple[Sent, ...]
    unsure: int = 0


STEPS = ("sealed", "accepted", "delivered", "processed", "displayed", "integrated", "failed", "cancelled")


def documents(connection: Connection, asked: Asked, *, pseudonym: Pseudonym) -> Ledger:
    """Every delivery about the patient, oldest letter first; merged and renumbered patients are one (A40, A47)."""
    found = connection.execute(
        select(clock).where(_his(connection, asked, pseudonym)).order_by(clock.c.received_at, clock.c.delivery_id)
    )
    rows: Sequence[Row] = found.mappings().all()
    if asked.ins:
        return Ledger(sent=tuple(map(_sent, rows)))
    born = birth_key(_patient(asked, asked.authority), pseudonym)
    sure = [row for row in rows if born and row["birth_key"] == born]
    others = {row["letter_id"] for row in rows} - {row["letter_id"] for row in sure}
    return Ledger(sent=tuple(map(_sent, sure)), unsure=len(others))


def _his(connection: Connection, asked: Asked, pseudonym: Pseudonym) -> ColumnElement[bool]:
    """By the number asked for, or the one that it was merged into."""
    name = "ins_key" if asked.ins else "ipp_key"
    keys = [patient_keys(_patient(asked, each), "", pseudonym) for each in _authorities(connection, asked)]
    all_ = [each.values()[name] for known in keys for each in (known, survivor(connection, known))]
    return clock.c[name].in_({number for number in all_ if number})


def _authorities(connection: Connection, asked: Asked) -> Sequence[str]:
    if asked.ins or asked.authority:
        return (asked.authority,)
    return connection.execute(select(clock.c.hospital).distinct()).scalars().all()


def _patient(asked: Asked, authority: str) -> Patient:
    number = Identifier(value=asked.ins, type="INS") if asked.ins else None
    number = number or Identifier(value=asked.ipp, authority=authority, type="PI")
    return Patient(family="", given="", birth_date=asked.birth_date, identifiers=(number,))


def _sent(row: Row) -> Sent:
    steps = ((step, row[f"{step}_at"]) for step in STEPS)
    return Sent(
        proofs=tuple((step, at) for step, at in steps if at),
        **{name: row[name] for name in ("letter_id", "delivery_id", "kind", "role", "hospital", "unit", "received_at")},
    )
