"""Letters that a person posted on paper: a grade of its own, which stops no clock and raises no electronic proof."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, or_, select, update

from gateway.delays.settle import settle
from gateway.delays.tables import clock


def post(connection: Connection, delivery: str, day: date, *, draws: bool = True) -> bool:
    """Keep the day on which it was posted, the first one that is told; whether that was news.

    ``draws``: the figures of its stay are drawn again at once.
    """
    mine = (clock.c.delivery_id == delivery, or_(clock.c.posted_on.is_(None), clock.c.posted_on > day))
    is_new = bool(connection.execute(update(clock).where(*mine).values(posted_on=day)).rowcount)
    if is_new and draws:
        settle(
            connection, connection.execute(select(clock.c.group_key).where(clock.c.delivery_id == delivery)).scalars()
        )
    return is_new


def posted_days(connection: Connection, letter: str) -> Mapping[str, date]:
    """When each delivery of ``letter`` was posted, of those that were."""
    mine = (clock.c.letter_id == letter, clock.c.posted_on.is_not(None))
    return {row.delivery_id: row.posted_on for row in connection.execute(select(clock).where(*mine))}
