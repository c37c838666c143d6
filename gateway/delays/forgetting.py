"""After a year the clock knows no doctor any more: pseudonyms, units and times are all that reports need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, update

from gateway.delays.tables import movement, stay


def forget_doctors(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Take the RPPS numbers out of movements and stays from before each moment; gives how many rows had one."""
    done = 0
    for horizon in jobs:
        for table, at in ((movement, movement.c.at), (stay, stay.c.first_at)):
            named = or_(table.c.gp_rpps.is_not(None), table.c.referrer_rpps.is_not(None))
            nobody = update(table).where(at <= horizon, named).values(gp_rpps=None, referrer_rpps=None)
            done += connection.execute(nobody).rowcount
    return [done] * len(jobs)
