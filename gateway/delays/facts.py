"""What the clock was told, as lines of the journal: enough to draw every figure again from the journal alone.

A line holds pseudonyms, codes and times in UTC microseconds, never a name, a visit number or a doctor's number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Boolean, Connection, Table
from sqlalchemy.types import TypeEngine

from gateway.delays.course import SOMEBODY
from gateway.delays.legs import Leg, Stamp, begin_again, stamp_legs
from gateway.delays.match import Matched
from gateway.delays.posting import post
from gateway.delays.redraw import redraw
from gateway.delays.statements import insert_new
from gateway.delays.stays import MERGES
from gateway.delays.tables import clock, movement, stay
from gateway.identifiers import DeliveryId
from gateway.journal import Event
from gateway.moments import EPOCH, MICROSECOND, Moment, microseconds
from gateway.prepared import Row

MOVEMENT, LETTER, LEG, AGAIN = "clock-movement", "clock-letter", "clock-leg", "clock-again"
POSTED = "clock-posted"
"""Kinds of journal lines that are the clock's own."""
TOLD_ELSEWHERE = {"sealed": Leg.SEALED, "accepted": Leg.ACCEPTED}
"""Lines of the courier's that tell a leg with its time: the clock adds none of its own."""
KINDS = frozenset({MOVEMENT, LETTER, LEG, AGAIN, POSTED, *TOLD_ELSEWHERE})
_DOCTORS = ("gp_rpps", "referrer_rpps")
_DRAWN = frozenset({"delivery_id", "role", "stay_key", "group_key", "matched", "state", "posted_on"})
"""Columns of ``clock`` that differ between deliveries, or follow from what else is known."""
_AT_ONCE = 1000


def movement_heard(row: Row, at: datetime) -> Event:
    """A row of ``movement``; of its doctors only that there are some."""
    hidden = {name: SOMEBODY for name in _DOCTORS if row[name]}
    return Event(at=at, kind=MOVEMENT, words=_written({**row, **hidden}))


def letter_timed(rows: Sequence[Row], at: datetime) -> Event:
    """The rows of ``clock`` of one letter, one for each delivery."""
    said = {name: value for name, value in rows[0].items() if name not in _DRAWN}
    words = _written(said, deliveries=[(row["delivery_id"], row["role"]) for row in rows])
    return Event(at=at, kind=LETTER, letter=rows[0]["letter_id"], words=words)


def leg_proved(stamp: Stamp) -> Event:
    """A leg that no other line tells with its time."""
    return Event(at=stamp.at, kind=LEG, delivery=DeliveryId(stamp.delivery_id), code=stamp.leg.value)


def begun_again(delivery: DeliveryId, at: datetime) -> Event:
    """A person sends it again."""
    return Event(at=at, kind=AGAIN, delivery=delivery)


def posted(delivery: DeliveryId, day: date, at: datetime) -> Event:
    """A person posted it on paper on that day."""
    return Event(at=at, kind=POSTED, delivery=delivery, code=day.isoformat())


def draw(connection: Connection, told: Iterable[Event]) -> None:
    """Fill empty tables with what these lines tell, in their order, and draw the figures once at the end."""
    stamps: list[Stamp] = []
    for event in told:
        match event.kind:
            case "clock-movement":
                _keep_movement(connection, _read(event.words, movement) | {"at": event.at})
            case "clock-letter":
                _keep_letter(connection, event.words)
            case "clock-again":
                _stamped(connection, stamps)
                begin_again(connection, [str(event.delivery)])
            case "clock-posted":
                post(connection, str(event.delivery), date.fromisoformat(event.code), draws=False)
            case _:
                leg = TOLD_ELSEWHERE.get(event.kind) or Leg(event.code)
                stamps.append(Stamp(delivery_id=str(event.delivery), leg=leg, at=event.at))
        if len(stamps) >= _AT_ONCE:
            _stamped(connection, stamps)
    _stamped(connection, stamps)
    redraw(connection)


def _stamped(connection: Connection, stamps: list[Stamp]) -> None:
    stamp_legs(connection, stamps)
    stamps.clear()


def _keep_movement(connection: Connection, row: Row) -> None:
    is_merge = row["trigger"] in MERGES and row["prior_key"]
    if insert_new(connection, movement, [row]) and row["stay_key"] is not None and not is_merge:
        blank = {"key": row["stay_key"], "hospital": row["hospital"], "first_at": row["at"]}
        insert_new(connection, stay, [blank | {"conflict": False, "cancelled": False}])


def _keep_letter(connection: Connection, words: str) -> None:
    common = _read(words, clock) | {"group_key": "", "matched": Matched.LETTER.value, "state": "none"}
    deliveries = msgspec.json.decode(words)["deliveries"]
    rows = [common | {"delivery_id": delivery, "role": role} for delivery, role in deliveries]
    insert_new(connection, clock, rows)


def _written(row: Row, **more: object) -> str:
    told = {name: _plain(value) for name, value in row.items() if value is not None and value is not False}
    return msgspec.json.encode({**told, **more}).decode()


def _plain(value: object) -> object:
    return microseconds(value) if isinstance(value, datetime) else value


def _read(words: str, table: Table) -> dict[str, Any]:  # Any: what a column may hold
    """The row's columns; what was not told is unknown, or not so."""
    told = msgspec.json.decode(words, type=dict[str, Any])
    kinds = {column.name: column.type for column in table.c if column.name not in {"seq", "at"}}
    return {name: _value(told.get(name), kind) for name, kind in kinds.items()}


def _value(value: Any, kind: TypeEngine[Any]) -> Any:  # noqa: ANN401 (what a column may hold)
    if isinstance(kind, Boolean):
        return bool(value)
    return EPOCH + value * MICROSECOND if isinstance(kind, Moment) and value is not None else value
