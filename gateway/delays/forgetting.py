"""The clock forgets who it was about: a patient once his letter has left, a doctor after a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, case, exists, or_, update

from gateway.delays.course import SOMEBODY
from gateway.delays.tables import movement, stay, timing


def forget_doctors(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Take the RPPS numbers out of movements and stays from before each moment; gives how many rows had one.

    That there was a GP stays known: without it an old stay that is drawn again would be counted apart as having none.
    """
    done = 0
    for horizon in jobs:
        for table, at in ((movement, movement.c.at), (stay, stay.c.first_at)):
            columns = (table.c.gp_rpps, table.c.referrer_rpps)
            named = or_(*(column != SOMEBODY for column in columns))
            nobody = {column.name: case((column.is_not(None), SOMEBODY)) for column in columns}
            done += connection.execute(update(table).where(at <= horizon, named).values(**nobody)).rowcount
    return [done] * len(jobs)


def forget_patients(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Destroy the sealed name behind every stay whose letter has left or is owed to nobody, or that is older.

    Gives how many there were. Who asks for a missing letter needs the name; nobody else does.
    """
    mine = timing.c.key == stay.c.key
    has_left = exists().where(mine, or_(timing.c.sent_at.is_not(None), timing.c.apart.is_not(None)))
    done = 0
    for horizon in jobs:
        over = and_(stay.c.details.is_not(None), or_(has_left, stay.c.first_at <= horizon))
        done += connection.execute(update(stay).where(over).values(details=None)).rowcount
    return [done] * len(jobs)
