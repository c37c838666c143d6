"""One more delivery of a letter whose rows exist: to another mailbox, by the ordinary road."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select, update

from gateway.identifiers import DeliveryId, LetterId, whole_of
from gateway.queue.accept import CHUNK, DELIVERY, LETTER
from gateway.queue.queries import REMIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Another:
    """The new row: due at once, and addressed anew when it is claimed. ``target`` is sealed under the letter's key."""

    id: DeliveryId
    letter: LetterId
    role: str
    rpps: str | None
    target: bytes = field(repr=False)
    route: str
    at: datetime


def add(connection: Connection, wanted: Another) -> bool:
    """Write it and open its letter again; ``False`` when the letter's bytes are gone."""
    there = select(CHUNK.c.letter_id).where(CHUNK.c.letter_id == whole_of(wanted.letter)).limit(1)
    if connection.execute(there).first() is None:
        return False
    row = {
        "id": wanted.id, "letter_id": wanted.letter, "role": wanted.role, "rpps": wanted.rpps,
        "addressee": wanted.target, "route": wanted.route, "protection": "", "state": "ready", "proof": 0,
        "reason": "", "attempts": 0, "ambiguous": 0, "next_at": wanted.at, "node": "", "epoch": 1, "phase": "",
        "created_at": wanted.at, "status": "", "dsn_offered": False, "notify": "NEVER", "reported": "",
    }  # fmt: skip
    connection.execute(insert(DELIVERY).values(**row))
    open_again = {"state": "open", "final_at": None, "erase_after": None}
    connection.execute(update(LETTER).where(LETTER.c.id == wanted.letter).values(**open_again))
    return True


def remember(connection: Connection, letters: list[str], *, until: datetime, at_least: datetime) -> None:
    """Keep the bytes of these letters until then, where they would go before ``at_least``."""
    bytes_there = exists().where(CHUNK.c.letter_id == LETTER.c.whole)
    soon = (LETTER.c.state == "final", LETTER.c.erase_after < at_least, bytes_there)
    for first in range(0, len(letters), 500):
        mine = LETTER.c.id.in_(letters[first : first + 500])
        connection.execute(update(LETTER).where(mine, *soon).values(erase_after=until))


def tell_again(connection: Connection, deliveries: Sequence[str]) -> None:
    """Let the sender hear once more of those that did not leave, and of those that nobody confirmed."""
    connection.execute(update(DELIVERY).where(*_undone(deliveries)).values(reported=""))
    connection.execute(update(DELIVERY).where(*_unconfirmed(deliveries)).values(reported=REMIND))


def untold(connection: Connection, deliveries: Sequence[str]) -> bool:
    """Whether there is one of them that the sender can hear of again."""
    either = or_(and_(*_undone(deliveries)), and_(*_unconfirmed(deliveries)))
    return connection.execute(select(DELIVERY.c.id).where(either).limit(1)).first() is not None


def _undone(deliveries: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    left = DELIVERY.c.state.in_(("ready", "leased", "held", "failed", "expired"))
    return DELIVERY.c.id.in_(deliveries), left, DELIVERY.c.notify != "NEVER"


def _unconfirmed(deliveries: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """Of deliveries without a sufficient proof those that the next hop took."""
    return DELIVERY.c.id.in_(deliveries), DELIVERY.c.state == "done", DELIVERY.c.notify != "NEVER"
