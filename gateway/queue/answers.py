"""What the hospital is told back, written with the proof it tells of and kept until it was taken: ids, codes, times.

``waiting`` until the far side says yes, then ``sent``, or ``refused`` when it never will. An answer's id follows from
what it says: the same receipt twice, a restart, or an older database put back, make the same id and no second answer.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, func, insert, or_, select, update

from gateway import journal
from gateway.identifiers import DeliveryId, LetterId
from gateway.journal import Event
from gateway.queue import entries
from gateway.queue.accept import DELIVERY, LETTER
from gateway.queue.answer_tables import Answer, AnswerWish

BAD = 400
"""SMTP replies from here on are failures: of a letter that came back the row still holds the 250 of before."""
WAITING, SENT, REFUSED = "waiting", "sent", "refused"


WISH = AnswerWish.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
ANSWER = Answer.__table__  # type: ignore[attr-defined]
Lane = tuple[str, str]
"""A source and one of its channels: what is told there keeps its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What a letter asks for."""

    letter: LetterId
    reception: bool
    reading: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way back; ``tells`` gives, for what happened, what it counts as there: ``None`` is not told there.

    ``asked`` names the wish that the letter must have stated, where there must be one.
    """

    name: str
    says: Mapping[str, str]
    asked: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owing:
    """Something was proved of a delivery: whoever its source wants told is told, if the store believes it.

    ``least`` is the proof that must stand by then; ``None`` for a failure, which must have ended the delivery.
    """

    delivery: DeliveryId
    kind: str
    least: int | None
    at: datetime
    now: datetime
    reporter: str
    status: str = ""
    code: str = ""
    channels: Mapping[str, Sequence[Channel]]
    """By source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of one answer: ``state`` is sent or refused."""

    seq: int
    state: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """How one lane stands."""

    source: str
    channel: str
    waiting: int
    refused: int
    oldest: datetime | None


def wish(connection: Connection, jobs: Sequence[Wished]) -> Sequence[None]:
    """Remember what letters ask for."""
    connection.execute(
        insert(WISH), [{"letter_id": job.letter, "reception": job.reception, "reading": job.reading} for job in jobs]
    )
    return [None] * len(jobs)


def owe(connection: Connection, jobs: Sequence[Owing]) -> Sequence[int]:
    """Put what is to be told into the outbox, in the transaction that proves it; gives how many answers each makes."""
    return [_owe(connection, job) for job in jobs]


def answered(connection: Connection, jobs: Sequence[Answered]) -> Sequence[None]:
    """Take answers out of the queue, with their line of the journal; one that was taken out before stays as it is."""
    for job in jobs:
        mine = update(ANSWER).where(ANSWER.c.seq == job.seq, ANSWER.c.state == WAITING)
        if connection.execute(mine.values(state=job.state)).rowcount:
            entries.append(connection, [job.event])
    return [None] * len(jobs)


def purge(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Forget what was told, or refused, before then; and the wishes of letters whose people are forgotten."""
    gone = 0
    for horizon in jobs:
        over = delete(ANSWER).where(ANSWER.c.heard_at < horizon, ANSWER.c.state != WAITING)
        gone += connection.execute(over).rowcount
        nobody = exists().where(LETTER.c.id == WISH.c.letter_id, LETTER.c.body_key != b"")
        connection.execute(delete(WISH).where(~nobody))
    return [gone] * len(jobs)


def waiting_lanes(connection: Connection) -> list[Lane]:
    """Where something waits to be told."""
    found = select(ANSWER.c.source, ANSWER.c.channel).where(ANSWER.c.state == WAITING).distinct()
    return [(row.source, row.channel) for row in connection.execute(found)]


def first(connection: Connection, lane: Lane, limit: int) -> Sequence[RowMapping]:
    """The oldest answers that wait in a lane, with whom each is about."""
    named = select(ANSWER, DELIVERY.c.role, DELIVERY.c.rpps, DELIVERY.c.addressee)
    joined = named.outerjoin(DELIVERY, DELIVERY.c.id == ANSWER.c.delivery_id)
    mine = (ANSWER.c.state == WAITING, ANSWER.c.source == lane[0], ANSWER.c.channel == lane[1])
    return connection.execute(joined.where(*mine).order_by(ANSWER.c.seq).limit(limit)).mappings().all()


def oldest_waiting(connection: Connection) -> datetime | None:
    """Since when the oldest answer waits."""
    found: datetime | None = connection.execute(
        select(func.min(ANSWER.c.heard_at)).where(ANSWER.c.state == WAITING)
    ).scalar()
    return found


def standing(connection: Connection) -> list[Lanes]:
    """How many answers wait and were refused, by lane."""
    mine = ANSWER.c
    found = select(mine.source, mine.channel, mine.state, func.count().label("n"), func.min(mine.heard_at).label("old"))
    rows = connection.execute(
        found.where(mine.state != SENT).group_by(mine.source, mine.channel, mine.state).order_by(mine.source)
    ).all()
    lanes = dict.fromkeys((row.source, row.channel) for row in rows)
    by = {(row.source, row.channel, row.state): row for row in rows}
    return [
        Lanes(
            source=source,
            channel=channel,
            waiting=by[source, channel, WAITING].n if (source, channel, WAITING) in by else 0,
            refused=by[source, channel, REFUSED].n if (source, channel, REFUSED) in by else 0,
            oldest=by[source, channel, WAITING].old if (source, channel, WAITING) in by else None,
        )
        for source, channel in lanes
    ]


def answer_id(delivery: str, epoch: int, says: str, channel: str) -> str:
    """Twenty characters, as many as MSH-10 has in every version of HL7 v2; ``epoch`` tells a resend from a double."""
    return b32encode(sha256(f"{delivery}|{epoch}|{says}|{channel}".encode()).digest()).decode()[:20]


def _owe(connection: Connection, job: Owing) -> int:
    wanted = select(DELIVERY, LETTER.c.source, LETTER.c.control_id, WISH.c.reception, WISH.c.reading)
    joined = wanted.join(LETTER, LETTER.c.id == DELIVERY.c.letter_id).outerjoin(WISH, WISH.c.letter_id == LETTER.c.id)
    row = connection.execute(joined.where(DELIVERY.c.id == job.delivery)).mappings().one_or_none()
    if row is None or not _is_so(row, job):
        return 0
    made = [
        _row(row, job, channel.name, says)
        for channel in job.channels.get(row["source"], ())
        if (says := channel.says.get(job.kind)) and _is_asked(row, channel.asked.get(says))
    ]
    known = or_(*(ANSWER.c.id == each["id"] for each in made)) if made else None
    there = set(connection.execute(select(ANSWER.c.id).where(known)).scalars()) if known is not None else set()
    new = [each for each in made if each["id"] not in there]
    if new:
        connection.execute(insert(ANSWER), new)
        entries.append(connection, [_said(job.now, each) for each in new])
    return len(new)


def _said(now: datetime, row: Mapping[str, Any]) -> Event:
    letter, delivery = LetterId(row["letter_id"]), DeliveryId(row["delivery_id"])
    code = f"{row['channel']} {row['kind']}"
    return journal.answer_owed(now, letter, delivery, code=code, words=f"id {row['id']}")


def _is_so(row: RowMapping, job: Owing) -> bool:
    """What the transaction itself made of it: a receipt that came too late changed nothing, and is told to nobody."""
    if job.least is None:
        return row["state"] in {"failed", "expired"}
    return bool(row["proof"] >= job.least)


def _is_asked(row: RowMapping, wish_named: str | None) -> bool:
    return wish_named is None or bool(row["control_id"] and row[wish_named])


def _row(row: RowMapping, job: Owing, channel: str, says: str) -> dict[str, Any]:
    return {
        "id": answer_id(row["id"], row["epoch"], says, channel),
        "source": row["source"],
        "channel": channel,
        "letter_id": row["letter_id"],
        "delivery_id": row["id"],
        "control_id": row["control_id"],
        "kind": job.kind,
        "reporter": job.reporter,
        "status": job.status or (row["status"] if job.least is None else ""),
        "code": job.code or (str(row["code"]) if job.least is None and (row["code"] or 0) >= BAD else ""),
        "happened_at": job.at,
        "heard_at": job.now,
        "state": WAITING,
    }
