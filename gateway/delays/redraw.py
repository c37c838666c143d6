"""Draws everything that follows from what was heard, from nothing: after an upgrade, and to replay the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, select, union

from gateway.delays.letters import retie_all
from gateway.delays.project import project
from gateway.delays.settle import settle
from gateway.delays.tables import clock, stay, timing

_AT_ONCE = 256


def redraw_if_empty(connection: Connection, jobs: Sequence[Any]) -> Sequence[bool]:
    """As a verb of the store: :func:`redraw` when an upgrade left ``timing`` empty; whether it did."""
    has_lines = connection.execute(select(exists().where(timing.c.key.is_not(None)))).scalar_one()
    is_heard = connection.execute(select(exists().where(clock.c.delivery_id.is_not(None)))).scalar_one()
    is_heard |= connection.execute(select(exists().where(stay.c.key.is_not(None)))).scalar_one()
    if has_lines or not is_heard:
        return [False] * len(jobs)
    redraw(connection)
    return [True] * len(jobs)


def redraw(connection: Connection) -> None:
    """Make ``stay``, the ties and ``timing`` say what ``movement`` and ``clock`` say, whatever they said before."""
    for key in connection.execute(select(stay.c.key)).scalars().all():
        project(connection, key)
    retie_all(connection)
    connection.execute(delete(timing))
    groups = connection.execute(union(select(stay.c.key), select(clock.c.group_key))).scalars().all()
    for some in (groups[first : first + _AT_ONCE] for first in range(0, len(groups), _AT_ONCE)):
        settle(connection, some)
