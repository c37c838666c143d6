"""Writer's verbs of station 2: keep a letter unless it is a replay, remember the answer, withdraw, refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, or_, select, update

from gateway import journal
from gateway.identifiers import LetterId
from gateway.journal import Event
from gateway.letter import Fate, MailKey
from gateway.prepared import Prepared
from gateway.queue import entries, seen
from gateway.queue.dialects import upsert
from gateway.queue.tables import Chunk, Delivery, Letter, Node, Replay

LETTER = Letter.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
CHUNK = Chunk.__table__  # type: ignore[attr-defined]
REPLAY = Replay.__table__  # type: ignore[attr-defined]
DELIVERY = Delivery.__table__  # type: ignore[attr-defined]
NODE = Node.__table__  # type: ignore[attr-defined]

UNDELIVERED = ("failed", "expired", "cancelled")
_GIVEN = ("id", "whole", "part", "door", "source", "state", "planned", "reason", "size", "sha256", "received_at")
_INSERT_LETTER = Prepared(insert(LETTER), *_GIVEN, "body_key", "sealed")
_INSERT_CHUNK = Prepared(insert(CHUNK), *CHUNK.c.keys())
_NEW = ("letter_id", "seen_at", "answer", "again")
"""An old key (its letter failed, or came before the horizon) stands for the new letter from now on."""
_FAILED_BEFORE = exists().where(
    LETTER.c.whole == REPLAY.c.letter_id, DELIVERY.c.letter_id == LETTER.c.id, DELIVERY.c.state.in_(UNDELIVERED)
)
"""One addressee of one patient's part is enough: what is handed in again must reach him."""
_SEEN = Prepared(
    select(REPLAY.c.key, REPLAY.c.letter_id, REPLAY.c.answer).where(
        REPLAY.c.key.in_(bindparam("keys", expanding=True)), REPLAY.c.seen_at >= bindparam("horizon"), ~_FAILED_BEFORE
    )
)
_ITS = REPLAY.c.letter_id == bindparam("letter")
_AGAIN = Prepared(update(REPLAY).where(_ITS).values(again=REPLAY.c.again + 1))
_ANSWER = Prepared(update(REPLAY).where(_ITS).values(answer=bindparam("said")))
_STRIKE = Prepared(
    update(LETTER).where(LETTER.c.id == bindparam("struck")).values(strikes=LETTER.c.strikes + bindparam("by"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """One letter, sealed, ready for its rows."""

    letter: dict[str, Any] = field(repr=False)
    chunks: list[dict[str, Any]] = field(repr=False)
    replay_key: bytes
    horizon: datetime
    kept: Event
    kept_again: Event
    mail: MailKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Striking:
    """So many crashes more against each of these letters."""

    letters: tuple[LetterId, ...]
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The letter that is on disk: this one, or the earlier one that it repeats."""

    id: LetterId
    again: bool
    answer: bytes = b""


def keep(connection: Connection, jobs: Sequence[Keeping]) -> Sequence[Found]:
    """Keep what is new; an earlier copy that did not fail answers for what is not (promises.md A8)."""
    known = _known(connection, jobs)
    new: list[Keeping] = []
    found, events = [], []
    for job in jobs:
        if earlier := known.get(job.replay_key):
            found.append(earlier)
            events.append(_renamed(job.kept_again, earlier.id))
            continue
        new.append(job)
        found.append(Found(id=job.letter["id"], again=False))
        events.append(job.kept)
        known[job.replay_key] = Found(id=job.letter["id"], again=True)
    _insert(connection, new)
    seen.remember(connection, [_taken(job.mail, job, each) for job, each in zip(jobs, found, strict=True) if job.mail])
    _AGAIN.many(connection, [{"letter": each.id} for each in found if each.again])
    entries.append(connection, events)
    return found


def answer(connection: Connection, jobs: Sequence[tuple[LetterId, bytes]]) -> Sequence[None]:
    """Remember what the door said, so that a replay gets the same."""
    _ANSWER.many(connection, [{"letter": letter, "said": answer} for letter, answer in jobs])
    return [None] * len(jobs)


def withdraw(connection: Connection, jobs: Sequence[Event]) -> Sequence[bool]:
    """Forget a letter whose client was gone before our yes, unless it has its rows or a replay was told yes."""
    return [_withdraw(connection, event) for event in jobs]


def strike(connection: Connection, jobs: Sequence[Striking]) -> Sequence[None]:
    """Count crashes against letters without rows: a count that a restart does not forget (promises.md F10)."""
    _STRIKE.many(connection, [{"struck": letter, "by": job.by} for job in jobs for letter in job.letters])
    return [None] * len(jobs)


def refuse(connection: Connection, jobs: Sequence[Event]) -> Sequence[None]:
    """Close a letter that cannot be taken: its bytes are erased, and the same bytes are read anew when they return.

    Of a letter that has its rows already (a replay, after a crash between its commit and the refusal) those that are
    held and were never tried are cancelled: its sender hears now that he has to correct it, and the corrected one must
    not meet this one later. What is on its way is left alone: a replay that cannot be read today does not stop it.
    """
    for event in jobs:
        values = {"state": "final", "planned": True, "reason": event.code, "final_at": event.at}
        here = (LETTER.c.id == event.letter, LETTER.c.planned.is_(False))
        unplanned = connection.execute(update(LETTER).where(*here).values(erase_after=event.at, **values)).rowcount
        if (unplanned or _cancel_untried(connection, event)) and event.letter:
            connection.execute(delete(REPLAY).where(REPLAY.c.letter_id == event.letter))
            seen.not_taken(connection, event.letter)
    entries.append(connection, jobs)
    return [None] * len(jobs)


def _cancel_untried(connection: Connection, event: Event) -> bool:
    """Whether anything was cancelled. What is ready and was held a moment ago is being looked at again: held, too."""
    mine, parts = DELIVERY.c, select(LETTER.c.id).where(LETTER.c.whole == event.letter)
    waits = or_(mine.state == "held", and_(mine.state == "ready", mine.held_at.is_not(None)))
    untried = (mine.attempts == 0, mine.ambiguous == 0, mine.proof == 0, mine.accepted_at.is_(None))
    over = {"state": "cancelled", "reason": event.code, "final_at": event.at, "epoch": mine.epoch + 1}
    gone = update(DELIVERY).where(mine.letter_id.in_(parts), waits, *untried).values(**over)
    stopped = connection.execute(gone.returning(mine.id, mine.letter_id)).all()
    entries.append(connection, [journal.replaced(event.at, row.letter_id, row.id, code=event.code) for row in stopped])
    _close_replaced(connection, event, {row.letter_id for row in stopped})
    return bool(stopped)


def _close_replaced(connection: Connection, event: Event, letters: set[str]) -> None:
    still = exists().where(DELIVERY.c.letter_id == LETTER.c.id, DELIVERY.c.state.in_(("ready", "leased", "held")))
    closed = {"state": "final", "final_at": event.at, "erase_after": event.at}
    connection.execute(update(LETTER).where(LETTER.c.id.in_(letters), ~still).values(**closed))


def _withdraw(connection: Connection, event: Event) -> bool:
    untouched = LETTER.c.planned.is_(False)  # a split letter's rows belong to its parts
    promised = exists().where(REPLAY.c.letter_id == event.letter, REPLAY.c.again > 0)
    gone = connection.execute(delete(LETTER).where(LETTER.c.id == event.letter, untouched, ~promised)).rowcount
    if gone:
        connection.execute(delete(CHUNK).where(CHUNK.c.letter_id == event.letter))
        connection.execute(delete(REPLAY).where(REPLAY.c.letter_id == event.letter))
        entries.append(connection, [event])
    return bool(gone)


def _known(connection: Connection, jobs: Sequence[Keeping]) -> dict[bytes, Found]:
    keys, horizon = [job.replay_key for job in jobs], min(job.horizon for job in jobs)
    rows = _SEEN.rows(connection, keys=keys, horizon=horizon)
    return {row["key"]: Found(id=LetterId(row["letter_id"]), again=True, answer=row["answer"]) for row in rows}


def _insert(connection: Connection, jobs: Sequence[Keeping]) -> None:
    if not jobs:
        return
    _INSERT_LETTER.many(connection, [job.letter for job in jobs])
    _INSERT_CHUNK.many(connection, [chunk for job in jobs for chunk in job.chunks])
    seen = [
        {
            "key": job.replay_key,
            "letter_id": job.letter["id"],
            "seen_at": job.letter["received_at"],
            "answer": b"",
            "again": 0,
        }
        for job in jobs
    ]
    upsert(connection, REPLAY, ("key",), _NEW, seen)


def _taken(mail: MailKey, job: Keeping, found: Found) -> seen.Seeing:
    return seen.Seeing(mail=mail, letter=found.id, fate=Fate.TAKEN, at=job.letter["received_at"])


def _renamed(event: Event, letter: LetterId) -> Event:
    return Event(at=event.at, kind=event.kind, letter=letter, code=event.code, words=event.words)
