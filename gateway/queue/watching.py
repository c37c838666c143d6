"""Read-only questions of the alarms: bounded, since they are asked all the time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.queue.accept import DELIVERY
from gateway.queue.entries import ENTRY

SAMPLE = 10_000
"""So many waiting deliveries are looked at: beyond that the reason is known anyway."""


def deferred_by_status(connection: Connection) -> Mapping[str, int]:
    """How many deliveries wait for another attempt, by the status of the last one; among the first 10,000."""
    mine = DELIVERY.c
    waiting = select(mine.status, mine.attempts).where(mine.state == "ready").limit(SAMPLE).subquery()
    tried = select(waiting.c.status, func.count()).where(waiting.c.attempts > 0).group_by(waiting.c.status)
    return {row[0] or "4.0.0": row[1] for row in connection.execute(tried)}


def oldest_held(connection: Connection) -> datetime | None:
    """Since when the oldest held delivery waits for a decision."""
    found: datetime | None = connection.execute(
        select(func.min(DELIVERY.c.created_at)).where(DELIVERY.c.state == "held")
    ).scalar()
    return found


def journal_head(connection: Connection) -> tuple[int, datetime | None]:
    """The newest entry's number and moment."""
    newest = select(ENTRY.c.seq, ENTRY.c.at).order_by(ENTRY.c.seq.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return (row.seq, row.at) if row else (0, None)


def journaled_since(connection: Connection, seq: int) -> Mapping[str, int]:
    """How many entries of each kind came after ``seq``."""
    fresh = select(ENTRY.c.kind, func.count()).where(ENTRY.c.seq > seq).group_by(ENTRY.c.kind)
    return {row[0]: row[1] for row in connection.execute(fresh)}
