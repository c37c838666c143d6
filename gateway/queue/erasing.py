"""Writer's verb of erasure: the bytes and the key of a letter go; what receipts and the sender still need stays.

A GP may open a letter, or a server return it, days after its bytes are erased. So the envelope and the addressees, and
nothing else, are sealed anew under a fresh key; the key that opened the body is destroyed (promises.md F3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, delete, exists, literal_column, select, update

from gateway import journal
from gateway.errors import HuitaineError
from gateway.identifiers import LetterId
from gateway.queue import bodies, entries
from gateway.queue.accept import CHUNK, DELIVERY, LETTER
from gateway.queue.bodies import AtRest, Summary, Target

AT_ONCE = 50
"""Letters in one transaction: doors wait behind it."""

_LETTER = (
    update(LETTER)
    .where(LETTER.c.id == bindparam("letter"))
    .values(body_key=bindparam("key"), sealed=bindparam("rest"), erase_after=None)
)
_DELIVERY = update(DELIVERY).where(DELIVERY.c.id == bindparam("delivery")).values(addressee=bindparam("rest"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Purging:
    """Erase what is due at ``now``, at most ``AT_ONCE`` letters."""

    now: datetime
    vault: AtRest = field(repr=False)


def purge(connection: Connection, jobs: Sequence[Purging]) -> Sequence[list[LetterId]]:
    """Destroy the key and the bytes of letters whose retention has ended.

    A part shares its key with the whole file: nothing goes before all parts are final and their time is over.
    """
    return [_purge(connection, job) for job in jobs]


def _purge(connection: Connection, job: Purging) -> list[LetterId]:
    other = LETTER.alias()
    kept = exists().where(
        other.c.whole == LETTER.c.whole, (other.c.state == literal_column("'open'")) | (other.c.erase_after > job.now)
    )
    gone = select(LETTER.c.whole).where(LETTER.c.erase_after <= job.now, ~kept).distinct().limit(AT_ONCE)
    wholes = [LetterId(row.whole) for row in connection.execute(gone)]
    for whole in wholes:
        _erase(connection, job.vault, whole)
    entries.append(connection, [journal.erased(job.now, whole) for whole in wholes])
    return wholes


def _erase(connection: Connection, vault: AtRest, whole: LetterId) -> None:
    letters = connection.execute(select(LETTER).where(LETTER.c.whole == whole)).all()
    mine = DELIVERY.c.letter_id.in_([letter.id for letter in letters])
    parcels = connection.execute(select(DELIVERY.c.id, DELIVERY.c.addressee).where(mine)).all()
    try:
        key = vault.unwrap(letters[0].body_key)
        fresh, wrapped = vault.another_letter_key(letters[0].body_key)
        heads = [_head(vault, key, fresh, row.id, row.sealed) | {"key": wrapped} for row in letters]
        targets = [_target(vault, key, fresh, row.id, row.addressee) for row in parcels]
    except HuitaineError as error:
        # Damaged: nothing can be kept of it, and nothing may be left of it.
        structlog.get_logger().warning("erased-damaged", letter_id=whole, status=error.status)
        heads, targets = [{"letter": row.id, "key": b"", "rest": b""} for row in letters], []
    connection.execute(_LETTER, heads)
    if targets:
        connection.execute(_DELIVERY, targets)
    connection.execute(delete(CHUNK).where(CHUNK.c.letter_id == whole))


def _head(vault: AtRest, key: bytes, fresh: bytes, letter: str, sealed: bytes) -> dict[str, Any]:
    summary = bodies.unseal(vault, key, (letter, bodies.SUMMARY), sealed, Summary)
    rest = bodies.seal(vault, fresh, (letter, bodies.SUMMARY), Summary(envelope=summary.envelope))
    return {"letter": letter, "rest": rest}


def _target(vault: AtRest, key: bytes, fresh: bytes, delivery: str, sealed: bytes) -> dict[str, Any]:
    target = bodies.unseal(vault, key, (delivery, bodies.ADDRESSEE), sealed, Target)
    return {"delivery": delivery, "rest": bodies.seal(vault, fresh, (delivery, bodies.ADDRESSEE), target)}
