"""Draws everything that follows from what was heard, from nothing: after an upgrade, and to replay the journal."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, select, union

from gateway.delays.letters import rekey_letters, retie, retie_all
from gateway.delays.project import project
from gateway.delays.settle import settle
from gateway.delays.tables import clock, stay, timing, undrawn
from gateway.prepared import Prepared

_AT_ONCE = 256
_NEXT = Prepared(select(undrawn.c.key).order_by(undrawn.c.key).limit(bindparam("most")))
_DONE = Prepared(delete(undrawn).where(undrawn.c.key == bindparam("done")))


def redraw_some(connection: Connection, jobs: Sequence[int]) -> Sequence[int]:
    """As a verb of the store: draw so many of what an upgrade left; how many those were, 0 when none is left.

    What is drawn leaves the list in the same transaction. Events may come in between: each draws its own stay from
    all that was heard, and so does this, so neither spoils the other's figures.
    """
    keys = [str(row["key"]) for row in _NEXT.rows(connection, most=max(jobs))]
    if keys:
        _draw(connection, keys)
        _DONE.many(connection, [{"done": key} for key in keys])
    return [len(keys)] * len(jobs)


def still_undrawn(connection: Connection) -> int:
    """How many stays and letters no report tells of yet, because an upgrade left them to be drawn."""
    return connection.execute(select(func.count()).select_from(undrawn)).scalar_one()


def _draw(connection: Connection, keys: Sequence[str]) -> None:
    rekey_letters(connection, clock.c.group_key.in_(keys))
    for key in connection.execute(select(stay.c.key).where(stay.c.key.in_(keys))).scalars().all():
        retie(connection, key, project(connection, key))
    settle(connection, keys)


def redraw(connection: Connection) -> None:
    """Make ``stay``, the ties and ``timing`` say what ``movement`` and ``clock`` say, whatever they said before."""
    for key in connection.execute(select(stay.c.key)).scalars().all():
        project(connection, key)
    retie_all(connection)
    connection.execute(delete(timing))
    groups = connection.execute(union(select(stay.c.key), select(clock.c.group_key))).scalars().all()
    for some in (groups[first : first + _AT_ONCE] for first in range(0, len(groups), _AT_ONCE)):
        settle(connection, some)
