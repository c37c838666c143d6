"""Which letters still wait for a sufficient proof, each with the clock that runs for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, select, text
from ulid import ULID

from gateway.delays.clock import Policy, StopsAt, Whose, deadline
from gateway.delays.course import Apart
from gateway.delays.escalation import Span
from gateway.delays.settle import answering, sent_at
from gateway.delays.tables import UNDELIVERED, UNSENT, clock, stay

HORIZON = timedelta(days=30)
"""Letters that came longer ago are a person's: nothing starts by itself for them any more."""
_AT_ONCE = 500
_ARRIVED = ("delivered_at", "processed_at", "displayed_at", "integrated_at")
_SUFFICIENT = {
    StopsAt.SENT: _ARRIVED,
    StopsAt.DELIVERED: _ARRIVED,
    StopsAt.READ: ("displayed_at", "integrated_at"),
    StopsAt.INTEGRATED: ("integrated_at",),
}
_NOBODY = frozenset({Apart.OPPOSITION.value})
"""Of stays that are counted apart, those whose letters nobody may be sent again."""


class Over(StrEnum):
    """Why nobody waits for a proof any more."""

    PROVED = "proved"
    CANCELLED = "cancelled"
    OPPOSED = "opposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Which policy runs for letters about stays, which for reports of results, and the least proof that is enough."""

    stay: Policy
    result: Policy
    proof: StopsAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """One letter without a sufficient proof; ``delivery`` is the one that answers for it."""

    letter: str
    delivery: str
    span: Span
    deliveries: tuple[str, ...]
    """All that are for the addressee in the same role."""


def unproved(connection: Connection, clocks: Clocks, now: datetime) -> list[Unproved]:
    """Every letter of the last :data:`HORIZON` that waits, the nearest deadline first.

    The GP's proof counts; only where no GP is meant the referrer's, then anybody's but the patient's.
    """
    since = str(ULID.from_datetime(now - HORIZON))[:10]  # ids of letters sort by the moment they were made
    letters = connection.execute(waiting(since, clocks.proof)).scalars().all()
    judged = [_judged(letter, clocks) for letter in _rows(connection, letters).values()]
    return sorted((one for one in judged if isinstance(one, Unproved)), key=lambda one: (one.span.deadline, one.letter))


def waiting(since: str, proof: StopsAt) -> Select[Any]:
    """Ids of letters from ``since`` on that may wait: in the words of an index of ``clock``, which it must read alone.

    What was delivered and is not read, or not integrated, is found among all letters of the time: there each may wait.
    """
    mine = (clock.c.letter_id >= since, clock.c.role != "patient")
    match proof:
        case StopsAt.SENT:
            open_ = text(UNSENT)
        case StopsAt.DELIVERED:
            open_ = text(UNDELIVERED)
        case _:
            missing = and_(*(clock.c[name].is_(None) for name in _SUFFICIENT[proof]))
            return select(clock.c.letter_id).distinct().where(*mine, clock.c.cancelled_at.is_(None), missing)
    return select(clock.c.letter_id).distinct().where(*mine, open_)


def over(connection: Connection, letters: Collection[str], clocks: Clocks) -> dict[str, Over]:
    """Which of these wait no more, and why: asked again in the transaction that acts on it."""
    judged = {letter: _judged(mine, clocks) for letter, mine in _rows(connection, sorted(letters)).items()}
    return {letter: why for letter, why in judged.items() if isinstance(why, Over)}


def same_again(connection: Connection, delivery: str, other: str) -> dict[str, Any] | None:
    """The row of the clock for another delivery of the same letter in the same role: nothing is proved of it yet."""
    mine = select(clock).where(clock.c.delivery_id == delivery)
    row = connection.execute(mine).mappings().one_or_none()
    if row is None:
        return None
    blank = dict.fromkeys((*_ARRIVED, "sealed_at", "accepted_at", "failed_at", "cancelled_at"))
    return {**row, **blank, "delivery_id": other, "state": "none"}


def _rows(connection: Connection, letters: Sequence[str]) -> Mapping[str, list[RowMapping]]:
    joined = clock.outerjoin(stay, stay.c.key == clock.c.stay_key)
    columns = (*clock.c, stay.c.discharged_at.label("left_at"), stay.c.apart, stay.c.unit.label("stay_unit"))
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for first in range(0, len(letters), _AT_ONCE):
        these: ColumnElement[bool] = clock.c.letter_id.in_(letters[first : first + _AT_ONCE])
        asked = select(*columns).select_from(joined).where(these).order_by(clock.c.delivery_id)
        for row in connection.execute(asked).mappings():
            found[row["letter_id"]].append(row)
    return found


def _judged(rows: Sequence[RowMapping], clocks: Clocks) -> Unproved | Over:
    able = [{**row, "counts": True} for row in rows]
    best = answering(able)
    if best is None:
        return Over.CANCELLED
    if best["apart"] in _NOBODY:
        return Over.OPPOSED
    mine = [row for row in able if row["role"] == best["role"] and row["cancelled_at"] is None]
    if any(_is_proved(row, clocks.proof) for row in mine):
        return Over.PROVED
    if _given_up(rows, mine):
        return Over.CANCELLED
    first = min(mine, key=lambda row: str(row["delivery_id"]), default=best)
    return Unproved(
        letter=best["letter_id"],
        delivery=first["delivery_id"],
        span=_span(first, clocks),
        deliveries=tuple(row["delivery_id"] for row in mine),
    )


def _given_up(rows: Sequence[RowMapping], mine: Sequence[Mapping[str, Any]]) -> bool:
    """A person cancelled what was still on its way after all else had failed: nobody is to follow the letter up."""
    last = max((row["cancelled_at"] for row in rows if row["cancelled_at"]), default=None)
    return last is not None and all(row["failed_at"] is not None and row["failed_at"] <= last for row in mine)


def _is_proved(row: Mapping[str, Any], proof: StopsAt) -> bool:
    if proof is StopsAt.SENT:
        return sent_at(row) is not None
    return any(row[name] is not None for name in _SUFFICIENT[proof])


def _span(row: Mapping[str, Any], clocks: Clocks) -> Span:
    """A letter whose discharge nobody told is timed from its coming."""
    policy = clocks.result if row["result"] else clocks.stay
    told = row["validated_at"] if row["result"] else row["left_at"] or row["discharged_at"]
    unit = row["unit"] or row["stay_unit"]
    own = policy.for_these(Whose(hospital=row["hospital"], unit=unit, kind=row["kind"], urgent=row["urgent"]))
    return Span(start=row["received_at"], deadline=deadline(told or row["received_at"], own))
