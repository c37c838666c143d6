"""After a year the clock knows no doctor any more: pseudonyms, units and times are all that reports need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, or_, update

from gateway.delays.course import SOMEBODY
from gateway.delays.tables import movement, stay


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
