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
from sqlalchemy import Connection, bindparam, delete, exists, literal_column, or_, select, update

from gateway import journal
from gateway.errors import HuitaineError
from gateway.identifiers import LetterId
from gateway.queue import bodies, entries
from gateway.queue.accept import CHUNK, DELIVERY, LETTER, REPLAY
from gateway.queue.bodies import AtRest, Summary, Target
from gateway.queue.sqlite import owe_checkpoint

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
    erased = [_purge(connection, job) for job in jobs]
    owe_checkpoint(connection, erased=any(erased))
    return erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Of letters that came before ``horizon`` nothing is to stay, at ``now``, that leads to a person."""

    now: datetime
    horizon: datetime


def forget_people(connection: Connection, jobs: Sequence[Forgetting]) -> Sequence[int]:
    """Forget whom letters were about and went to; gives how many, at most some at once.

    States, times, kinds and sizes stay for the counts. Of the journal's lines about them moment and kind stay, and a
    hash that proves their place and tells nothing (docs/evidence.md).
    """
    return [_forget(connection, job) for job in jobs]


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


def _forget(connection: Connection, job: Forgetting) -> int:
    """An erased letter has no bytes any more, but its envelope and its addressees for late receipts."""
    named = or_(LETTER.c.body_key != b"", LETTER.c.sha256 != "", LETTER.c.control_id.is_not(None))
    over = (LETTER.c.state == "final", LETTER.c.erase_after.is_(None), LETTER.c.received_at <= job.horizon)
    bytes_there = exists().where(CHUNK.c.letter_id == LETTER.c.whole)
    some = select(LETTER.c.id).where(*over, or_(named, LETTER.c.unit.is_not(None)), ~bytes_there).limit(AT_ONCE)
    letters = connection.execute(some).scalars().all()
    nobody = {"body_key": b"", "sealed": b"", "sha256": "", "control_id": None, "unit": None}
    connection.execute(update(LETTER).where(LETTER.c.id.in_(letters)).values(**nobody))
    theirs = update(DELIVERY).where(DELIVERY.c.letter_id.in_(letters))
    connection.execute(theirs.values(rpps=None, addressee=b""))
    connection.execute(delete(REPLAY).where(REPLAY.c.letter_id.in_(letters)))
    entries.erase(connection, letters, job.now)
    owe_checkpoint(connection, erased=bool(letters))
    return len(letters)


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
