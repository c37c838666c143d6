"""Stamps what was proved of one delivery: graded, never inferred upwards, the earliest proof stays (decision 13)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from sqlalchemy import Connection, bindparam, case, or_, select, update

from gateway.delays.settle import settle
from gateway.delays.tables import clock
from gateway.moments import Moment
from gateway.prepared import Prepared


class Leg(StrEnum):
    """What happened to a delivery, in the order of what it proves; ``state`` is the last of them that was told.

    A bounce after the 250 outweighs the 250 and yields to any proof of arrival. A person's cancellation is last.
    """

    SEALED = "sealed"
    ACCEPTED = "accepted"
    FAILED = "failed"
    DELIVERED = "delivered"
    PROCESSED = "processed"
    DISPLAYED = "displayed"
    INTEGRATED = "integrated"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One leg of one delivery, proved at ``at``."""

    delivery_id: str
    leg: Leg
    at: datetime


_GRADES = {"none": 0, **{leg.value: grade for grade, leg in enumerate(Leg, start=1)}}
_ARRIVED = (Leg.DELIVERED, Leg.PROCESSED, Leg.DISPLAYED, Leg.INTEGRATED)


_GROUPS = Prepared(
    select(clock.c.group_key).where(
        clock.c.delivery_id.in_(bindparam("deliveries", expanding=True)), or_(clock.c.counts, clock.c.result)
    )
)


def record_leg(connection: Connection, delivery_id: str, leg: Leg, at: datetime) -> bool:
    """Stamp one leg; whether it told anything new (a double or an unknown delivery does not)."""
    return record_legs(connection, [Stamp(delivery_id=delivery_id, leg=leg, at=at)]) > 0


def record_legs(connection: Connection, stamps: Iterable[Stamp]) -> int:
    """Stamp many legs in the caller's transaction, one statement per kind of leg; how many told anything new.

    Of two times for one leg the earlier stays, so the order in which receipts arrive changes nothing.
    """
    told = list(stamps)
    new = stamp_legs(connection, told)
    if new:
        timed = list({stamp.delivery_id for stamp in told})
        settle(connection, [row["group_key"] for row in _GROUPS.rows(connection, deliveries=timed)])
    return new


def stamp_legs(connection: Connection, stamps: Iterable[Stamp]) -> int:
    """:func:`record_legs` without drawing the figures again."""
    by_leg: defaultdict[Leg, list[Stamp]] = defaultdict(list)
    for stamp in stamps:
        by_leg[stamp.leg].append(stamp)
    return sum(_stamp(connection, leg, told) for leg, told in by_leg.items())


def begin_again(connection: Connection, deliveries: Iterable[str]) -> None:
    """A person sends again what came back or was cancelled: that it was taken once says nothing of what comes now.

    What is proved to have arrived stays as it is.
    """
    these = list(deliveries)
    _open_again().many(connection, [{"this_delivery": delivery} for delivery in these])
    if these:
        settle(connection, [row["group_key"] for row in _GROUPS.rows(connection, deliveries=these)])


def _stamp(connection: Connection, leg: Leg, told: list[Stamp]) -> int:
    rows = [{"this_delivery": stamp.delivery_id, "told_at": stamp.at} for stamp in told]
    return _statement(leg).many(connection, rows)


@cache
def _open_again() -> Prepared:
    over = (Leg.ACCEPTED.value, Leg.FAILED.value, Leg.CANCELLED.value)
    arrived = or_(*(clock.c[f"{leg.value}_at"].is_not(None) for leg in _ARRIVED))
    undone = (clock.c.delivery_id == bindparam("this_delivery")) & clock.c.state.in_(over) & ~arrived
    now = case((clock.c.sealed_at.is_(None), "none"), else_=Leg.SEALED.value)
    blank = {"accepted_at": None, "failed_at": None, "cancelled_at": None}
    return Prepared(update(clock).where(undone).values(**blank, state=now))


@cache
def _statement(leg: Leg) -> Prepared:
    column = clock.c[f"{leg.value}_at"]
    told_at = bindparam("told_at", type_=Moment())
    grade = case(_GRADES, value=clock.c.state, else_=0)
    return Prepared(
        update(clock)
        .where(clock.c.delivery_id == bindparam("this_delivery"), or_(column.is_(None), column > told_at))
        .values({column: told_at, clock.c.state: case((grade < _GRADES[leg], leg.value), else_=clock.c.state)})
    )
