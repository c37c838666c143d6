"""Read-only questions about letters and deliveries, for the command line, the metrics and the teller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, case, func, literal_column, or_, select

from gateway.identifiers import DeliveryId, LetterId
from gateway.queue.accept import DELIVERY, LETTER
from gateway.queue.entries import ENTRY

Row = RowMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters to list; what is ``None`` does not restrict."""

    state: str | None = None
    since: datetime | None = None
    unit: str | None = None
    rpps: str | None = None
    limit: int = 200


def letter(connection: Connection, letter_id: str) -> Row | None:
    """One letter's row."""
    return connection.execute(select(LETTER).where(LETTER.c.id == letter_id)).mappings().one_or_none()


def delivery(connection: Connection, delivery_id: str) -> Row:
    """One delivery's row; raises NoResultFound."""
    return connection.execute(select(DELIVERY).where(DELIVERY.c.id == delivery_id)).mappings().one()


def find_delivery(connection: Connection, delivery_id: DeliveryId) -> Row | None:
    """One delivery's row, if there is one."""
    return connection.execute(select(DELIVERY).where(DELIVERY.c.id == delivery_id)).mappings().one_or_none()


def deliveries(connection: Connection, letter_id: str) -> Sequence[Row]:
    """All deliveries of one letter, in the order they were planned."""
    mine = select(DELIVERY).where(DELIVERY.c.letter_id == letter_id).order_by(DELIVERY.c.id)
    return connection.execute(mine).mappings().all()


def parts(connection: Connection, letter_id: str) -> Sequence[LetterId]:
    """The letters that a file about several patients became; empty for an ordinary one."""
    mine = select(LETTER.c.id).where(LETTER.c.whole == letter_id, LETTER.c.part > 0).order_by(LETTER.c.part)
    return [LetterId(row.id) for row in connection.execute(mine)]


def letters(connection: Connection, wanted: Wanted) -> Sequence[Row]:
    """The newest letters that fit."""
    found = select(LETTER).order_by(LETTER.c.id.desc()).limit(wanted.limit)
    return connection.execute(_restricted(found, wanted)).mappings().all()


def trace(connection: Connection, letter_id: str) -> Sequence[Row]:
    """Everything the journal says of a letter and of its parts, in order; not the clock's own lines, for a replay."""
    own = or_(ENTRY.c.letter_id == letter_id, ENTRY.c.letter_id.startswith(f"{letter_id}-"))
    told = ~ENTRY.c.kind.startswith("clock-")
    return connection.execute(select(ENTRY).where(own, told).order_by(ENTRY.c.seq)).mappings().all()


def lines_of(connection: Connection, letter_id: str, delivery_id: str, kinds: Sequence[str]) -> Sequence[int]:
    """The numbers of the journal's lines of these kinds about one delivery."""
    own = (ENTRY.c.letter_id == letter_id, ENTRY.c.delivery_id == delivery_id, ENTRY.c.kind.in_(kinds))
    return list(connection.execute(select(ENTRY.c.seq).where(*own).order_by(ENTRY.c.seq)).scalars())


def counts(connection: Connection) -> Mapping[str, int]:
    """How many deliveries are in each state."""
    by_state = select(DELIVERY.c.state, func.count()).group_by(DELIVERY.c.state)
    return {row[0]: row[1] for row in connection.execute(by_state)}


def held_by_reason(connection: Connection) -> Mapping[str, int]:
    """How many held deliveries for each reason."""
    by_reason = select(DELIVERY.c.reason, func.count()).where(DELIVERY.c.state == "held").group_by(DELIVERY.c.reason)
    return {row[0]: row[1] for row in connection.execute(by_reason)}


def unplanned(connection: Connection) -> tuple[int, datetime | None]:
    """How many letters were taken and have no addressee yet, and since when the oldest waits for it."""
    waiting = select(func.count(), func.min(LETTER.c.received_at)).where(
        LETTER.c.planned.is_(False), LETTER.c.part == 0
    )
    number, oldest = connection.execute(waiting).one()
    return number, oldest


def ambiguous(connection: Connection) -> int:
    """How many open or done deliveries may have left twice."""
    return connection.execute(select(func.count()).where(DELIVERY.c.ambiguous > 0)).scalar_one()


def oldest_due(connection: Connection) -> datetime | None:
    """The moment since when the oldest open delivery waits."""
    states = [DELIVERY.c.state == literal_column(f"'{state}'") for state in ("ready", "leased")]  # an index for each
    found = [connection.execute(select(func.min(DELIVERY.c.created_at)).where(state)).scalar() for state in states]
    return min((at for at in found if at is not None), default=None)


REMIND = "remind"
"""What the next hop took and nobody confirmed: its sender is to hear that no proof came."""
_OPEN_NEWS = ("", "delayed", "held", "relayed", REMIND, "unconfirmed")
"""Of these something may be news; ``failed``, ``delivered``, ``unread`` and ``nothing`` are the last word."""


def untold(connection: Connection, *, delayed_since: datetime, after: str = "", limit: int = 50) -> Sequence[Row]:
    """Deliveries whose sender has not heard what became of them: failed, expired, held, late by now, or delivered.

    In the order of their ids, those behind ``after``.

    ``what`` is what he is to be told.
    """
    known, mine = DELIVERY.c.reported, DELIVERY.c
    what = case(
        (mine.state.in_(("failed", "expired")), "failed"),
        (mine.state == "held", "held"),
        (mine.state.in_(("ready", "leased")) & (mine.created_at <= delayed_since) & (known == ""), "delayed"),
        ((mine.state == "done") & (known == REMIND), case((mine.proof >= 2, "unread"), else_="unconfirmed")),
        ((mine.state == "done") & mine.notify.contains("SUCCESS") & (mine.proof >= 2), "delivered"),
        ((mine.state == "done") & (known == "unconfirmed"), ""),
        ((mine.state == "done") & mine.notify.contains("SUCCESS") & mine.dsn_offered.is_(False), "relayed"),
        else_="",
    ).label("what")
    columns = (DELIVERY, LETTER.c.source, LETTER.c.received_at, LETTER.c.whole, what)
    joined = select(*columns).join(LETTER, LETTER.c.id == mine.letter_id)
    asked_by_index = or_(
        and_(known.in_(_OPEN_NEWS), mine.state.in_(("failed", "expired", "held"))),
        and_(known == "", mine.state.in_(("ready", "leased")), mine.created_at <= delayed_since),
        and_(known.in_(_OPEN_NEWS), mine.state == "done"),
    )
    news = joined.where(asked_by_index, what != "", known != what, mine.notify != "NEVER")
    return connection.execute(news.where(mine.id > after).order_by(mine.id).limit(limit)).mappings().all()


def _restricted(found: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.state in {"open", "final"}:
        found = found.where(LETTER.c.state == wanted.state)
    elif wanted.state:
        found = found.where(LETTER.c.id.in_(select(DELIVERY.c.letter_id).where(DELIVERY.c.state == wanted.state)))
    if wanted.since:
        found = found.where(LETTER.c.received_at >= wanted.since)
    if wanted.unit:
        found = found.where(LETTER.c.unit == wanted.unit)
    if wanted.rpps:
        found = found.where(LETTER.c.id.in_(select(DELIVERY.c.letter_id).where(DELIVERY.c.rpps == wanted.rpps)))
    return found
