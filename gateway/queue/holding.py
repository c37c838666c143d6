"""A queue on hold: letters are taken and kept, nothing is claimed, until a person has looked (promises.md F5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select, update

from gateway import journal
from gateway.identifiers import DeliveryId, LetterId
from gateway.queue import entries
from gateway.queue.accept import DELIVERY, LETTER
from gateway.queue.tables import Hold

HOLD = Hold.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
IN_FORCE = exists().select_from(HOLD)


def on_hold(connection: Connection) -> bool:
    """Whether nothing may leave."""
    return bool(connection.execute(select(IN_FORCE)).scalar_one())


def why(connection: Connection) -> str:
    """Why nothing leaves; empty when it does."""
    return connection.execute(select(HOLD.c.why)).scalar() or ""


def hold(connection: Connection, now: datetime, why: str) -> Sequence[DeliveryId]:
    """Put a restored queue on hold; gives the deliveries that may have left since its backup was made.

    Those were on their way or due: they count as ambiguous, so that a second copy is explained. What was held, or not
    even planned, may have left since as well: the journal says so, but it can still be read and planned anew.
    """
    connection.execute(delete(HOLD))
    connection.execute(insert(HOLD).values(id=1, since=now, why=why))
    under_way = DELIVERY.c.state.in_(("ready", "leased"))
    is_open = DELIVERY.c.state.in_(("ready", "leased", "held"))
    found = connection.execute(select(DELIVERY.c.id, DELIVERY.c.letter_id).where(is_open).order_by(DELIVERY.c.id)).all()
    unplanned = connection.execute(select(LETTER.c.id).where(LETTER.c.planned.is_(False))).scalars().all()
    unsure = {"ambiguous": DELIVERY.c.ambiguous + 1, "state": "ready", "lease_until": None, "phase": ""}
    again = update(DELIVERY).where(under_way).values(**unsure, epoch=DELIVERY.c.epoch + 1, next_at=now)
    connection.execute(again)
    events = [journal.ambiguous(now, row.letter_id, row.id, code="restored") for row in found]
    events += [journal.ambiguous(now, letter, None, code="restored") for letter in unplanned]
    events += [journal.ambiguous(now, letter, None, code="restored") for letter in without_rows(connection)]
    entries.append(connection, [journal.restored(now, words=why), *events])
    return [DeliveryId(row.id) for row in found]


def without_rows(connection: Connection) -> Sequence[LetterId]:
    """Letters that were not planned yet: they get new deliveries, whose Message-IDs do not tell a second copy."""
    found = connection.execute(
        select(LETTER.c.id).where(LETTER.c.planned.is_(False), LETTER.c.part == 0).order_by(LETTER.c.id)
    )
    return [LetterId(letter) for letter in found.scalars()]


def release(connection: Connection, jobs: Sequence[tuple[datetime, str]]) -> Sequence[int]:
    """Let everything go that is due: its tries are counted from now on; gives how many deliveries that is."""
    done = []
    for now, actor in jobs:
        held = connection.execute(delete(HOLD)).rowcount
        ready = update(DELIVERY).where(DELIVERY.c.state == "ready").values(created_at=now, next_at=now, strikes=0)
        done.append(connection.execute(ready).rowcount if held else 0)
        entries.append(connection, [journal.queue_released(now, actor=actor)] if held else [])
    return done
