"""Writes into ``stay`` what the movements of one stay amount to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from gateway.delays.course import SAID_BY_A_PERSON, Course, Step, fold
from gateway.delays.discharge import Discharge
from gateway.delays.identity import PatientKeys, survivor
from gateway.delays.tables import movement, stay
from gateway.delays.wishes import Whose, said_of
from gateway.prepared import Prepared, Row

_PATIENT = ("ins_key", "ipp_key", "traits_key")
_TIMES = ("pv1_45", "zbe_2", "evn_6", "evn_2")
_AS_KEPT = ("fingerprint", "at", "trigger", "original_trigger", "action", "unit", "admitted_at", "no_gp", "protection")
_DRAWN = (
    *(*_PATIENT, "visit_key", "file_key", "unit", "first_at", "begun_at", "admitted_at", "discharged_at"),
    *("discharge_told_by", *_TIMES, "conflict", "cancelled", "undone_at", "apart", "opposed_at"),
    *("gp_rpps", "referrer_rpps"),
)
_KEPT = [column for column in stay.c if column.name != "details"]

_LOCKED = Prepared(select(*_KEPT).where(stay.c.key == bindparam("this_key")).with_for_update())
_STAY = Prepared(select(*_KEPT).where(stay.c.key == bindparam("this_key")))
_TOLD = Prepared(select(movement).where(movement.c.stay_key == bindparam("this_key")))
_WRITE = Prepared(
    update(stay)
    .where(stay.c.key == bindparam("this_key"))
    .values({name: bindparam(f"new_{name}", type_=stay.c[name].type) for name in _DRAWN})
)


def project(connection: Connection, key: str) -> Row:
    """Draw the stay ``key`` again and give what it was before.

    Its row is locked first, so that two nodes on one database take turns.
    """
    (before,) = _LOCKED.rows(connection, this_key=key)
    rows = list(_TOLD.rows(connection, this_key=key))
    said = sorted(((_step(row), row) for row in rows), key=lambda pair: pair[0].order)
    told = [row for _, row in said]
    himself = PatientKeys(**{column: _latest(told, column) for column in _PATIENT})
    patient = survivor(connection, himself)
    whose = Whose(said=himself, now=patient, hospital=before["hospital"])
    wishes = map(_wish, said_of(connection, whose))
    values = _values(fold([*(step for step, _ in said), *wishes])) | patient.values()
    values |= {column: _latest(told, column) for column in ("visit_key", "file_key")}
    values |= {"first_at": min(row["at"] for row in rows), "begun_at": _begun(rows)}
    _WRITE.many(connection, [{"this_key": key, **{f"new_{name}": values[name] for name in _DRAWN}}])
    return before


def stay_now(connection: Connection, key: str) -> Row:
    """The stay ``key`` as it was last drawn, without its sealed details."""
    (now,) = _STAY.rows(connection, this_key=key)
    return now


def _begun(rows: Sequence[Row]) -> datetime | None:
    """The earliest moment of the stay itself that its movements tell; what a person said of it tells none."""
    moved = (row for row in rows if row["trigger"] not in SAID_BY_A_PERSON)
    return min(map(_earliest, moved), default=None)


def _earliest(row: Row) -> datetime:
    told: list[datetime] = [at for name in ("admitted_at", "zbe_2", "evn_6", "pv1_45") if (at := row[name])]
    written_down: datetime = row["evn_2"] or row["at"]
    return min(told, default=written_down)


def _values(course: Course) -> dict[str, object]:
    left = course.discharge or Discharge()
    return {
        "unit": course.unit,
        "admitted_at": course.admitted_at,
        "discharged_at": left.at,
        "discharge_told_by": left.told_by,
        **{name: getattr(left, name) for name in _TIMES},
        "conflict": left.contradicts(course.admitted_at),
        "cancelled": course.cancelled,
        "undone_at": course.undone.at if course.undone else None,
        "apart": course.apart,
        "opposed_at": course.opposed_at,
        "gp_rpps": course.gp_rpps,
        "referrer_rpps": course.referrer_rpps,
    }


def _step(row: Row) -> Step:
    told = Discharge(**{name: row[name] for name in (*_TIMES, "reference", "exit_mode")})
    gps = {name: row[name] for name in ("gp_rpps", "referrer_rpps")}
    return Step(**{name: row[name] for name in _AS_KEPT}, told=told, **gps)


def _wish(row: Row) -> Step:
    """What was said of the patient outside any stay: nothing of it but that."""
    told = Discharge(evn_2=row["evn_2"])
    return Step(fingerprint=row["fingerprint"], at=row["at"], trigger="A31", protection=row["protection"], told=told)


def _latest(rows: Sequence[Row], column: str) -> str | None:
    return next((row[column] for row in reversed(rows) if row[column] is not None), None)
