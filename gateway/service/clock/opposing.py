"""A patient's opposition stops what has not left (art. L.1110-4 CSP): held at once, whatever the letter was doing.

Written in the transaction that learns of the opposition. A delivery on its way loses its lease, so that it never comes
to its final dot; one that is at its dot, or whose dots are not written down, may have left. What goes to the patient's
own mailbox is not stopped. A person may let one letter go all the same (``huitaine letters release``), which is
journaled with the person's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, literal, or_, select, update

from gateway import journal
from gateway.addressing.reasons import because
from gateway.delays.stays import StayChange
from gateway.delays.tables import clock, stay
from gateway.delays.wishes import Whose, of_patient, opposes
from gateway.document import Role
from gateway.identifiers import DeliveryId
from gateway.letter import Reason
from gateway.moments import Moment
from gateway.prepared import Prepared
from gateway.prepared import Row as Kept
from gateway.queue import entries
from gateway.queue.accept import DELIVERY
from gateway.queue.leases import BEGUN

WHY = because("patient-opposes")
_ITS_STAY = stay.c.key == clock.c.stay_key
_ASKED = [
    *(clock.c[name] for name in ("delivery_id", "stay_key", "hospital", "ins_key", "ipp_key", "traits_key")),
    *(clock.c[name] for name in ("said_ins", "said_ipp", "said_traits")),
    stay.c.opposed_at,
]
_MAY_BE_OPPOSED = and_(clock.c.role != Role.PATIENT.value, clock.c.let_go_at.is_(None))
_WAITS = or_(
    DELIVERY.c.state == "ready",
    and_(DELIVERY.c.state == "held", DELIVERY.c.reason != WHY.code),
    and_(DELIVERY.c.state == "leased", DELIVERY.c.phase == BEGUN),
)
_STOPPED = and_(DELIVERY.c.state == "held", DELIVERY.c.reason == WHY.code)
_TIED = (
    select(DELIVERY.c.id, DELIVERY.c.letter_id, *_ASKED)
    .join(clock, clock.c.delivery_id == DELIVERY.c.id)
    .outerjoin(stay, _ITS_STAY)
    .with_for_update(of=DELIVERY)
)

_LET_GO = select(*_ASKED).select_from(clock).outerjoin(stay, _ITS_STAY).where(clock.c.let_go_at.is_not(None))
_STOPS = Prepared(
    select(*_ASKED)
    .select_from(clock)
    .outerjoin(stay, _ITS_STAY)
    .where(clock.c.delivery_id.in_(bindparam("deliveries", expanding=True)), _MAY_BE_OPPOSED)
)


def follow(connection: Connection, change: StayChange, at: datetime, *, anew: bool = False) -> None:
    """Hold, or let go on, what a change of a stay touches; ``anew``: a person says again that the patient opposes."""
    if anew:
        connection.execute(update(clock).where(clock.c.stay_key == change.key).values(let_go_at=None))
    about = or_(clock.c.stay_key.in_(change.stays), of_patient(change.numbers))
    if change.numbers or change.opposed:
        stop(connection, at, about)
    if change.numbers or (change.was_opposed and not change.opposed):
        go_on(connection, at, about)
    if change.retied:
        stop(connection, at, of_letters(change.retied))
        go_on(connection, at, of_letters(change.retied))


def of_letters(letters: Sequence[str]) -> ColumnElement[bool]:
    """The clocks of these letters."""
    return clock.c.letter_id.in_(letters)


def stop(connection: Connection, at: datetime, about: ColumnElement[bool]) -> frozenset[DeliveryId]:
    """Hold every delivery whose clock fits ``about``, that the patient opposes and that has not left."""
    asked = connection.execute(_TIED.where(_MAY_BE_OPPOSED, _WAITS, about)).all()
    rows = [row for row in asked if _objects(connection, row._mapping)]
    held: dict[str, Any] = {"state": "held", "reason": WHY.code, "next_at": None, "reported": ""}
    held |= {"held_at": func.coalesce(DELIVERY.c.held_at, literal(at, Moment())), "lease_until": None, "phase": ""}
    _write(connection, rows, held)
    entries.append(
        connection, [journal.held(at, row.letter_id, row.id, code=WHY.code, words=WHY.words) for row in rows]
    )
    return frozenset(DeliveryId(row.id) for row in rows)


def go_on(connection: Connection, at: datetime, about: ColumnElement[bool]) -> frozenset[DeliveryId]:
    """Let go on what was held for an opposition that is no more, or that is about another stay."""
    asked = connection.execute(_TIED.where(_STOPPED, about)).all()
    rows = [row for row in asked if not _objects(connection, row._mapping)]
    ready = {"state": "ready", "reason": "", "next_at": at, "created_at": at, "held_at": None, "strikes": 0}
    _write(connection, rows, ready)
    let_go = connection.execute(_LET_GO.where(about)).all()
    agreed = [row.delivery_id for row in let_go if not _objects(connection, row._mapping)]
    connection.execute(update(clock).where(clock.c.delivery_id.in_(agreed)).values(let_go_at=None))
    entries.append(connection, [journal.opposed_no_more(at, row.letter_id, row.id) for row in rows])
    return frozenset(DeliveryId(row.id) for row in rows)


def let_pass(connection: Connection, told: Sequence[tuple[DeliveryId, datetime]]) -> Sequence[None]:
    """Remember that a person released these deliveries while they were held for the patient's opposition."""
    for delivery, at in told:
        stopped = select(DELIVERY.c.id).where(DELIVERY.c.id == delivery, _STOPPED)
        connection.execute(update(clock).where(clock.c.delivery_id.in_(stopped)).values(let_go_at=at))
    return [None] * len(told)


def stops(connection: Connection, deliveries: Sequence[DeliveryId]) -> dict[DeliveryId, Reason]:
    """Which of these may not leave, and why: the patient opposes it, and nobody let it go all the same.

    Asked when a delivery that waited is taken up again: one that was at its dot when the patient said so came back.
    """
    asked = _STOPS.rows(connection, deliveries=list(deliveries))
    return {row["delivery_id"]: WHY for row in asked if _objects(connection, row)}


def _objects(connection: Connection, row: Kept) -> bool:
    """Whether the patient opposes it: the stay says so, or of a letter without one the patient's last word."""
    if row["stay_key"] is None:
        return opposes(connection, Whose.letter(row))
    return row["opposed_at"] is not None


def _write(connection: Connection, rows: Sequence[Row[Any]], values: dict[str, Any]) -> None:
    if rows:
        these = DELIVERY.c.id.in_([row.id for row in rows])
        connection.execute(update(DELIVERY).where(these).values(**values, epoch=DELIVERY.c.epoch + 1))
