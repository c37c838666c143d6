"""Verbs and question about the mails of a watched mailbox: each is taken once, each refusal is told once (B9, B10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, select

from gateway.identifiers import LetterId
from gateway.letter import Fate, MailKey
from gateway.queue.dialects import upsert
from gateway.queue.tables import Delivery, ImapSeen, Letter

SEEN = ImapSeen.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
LETTER = Letter.__table__  # type: ignore[attr-defined]
DELIVERY = Delivery.__table__  # type: ignore[attr-defined]

REMEMBERED = timedelta(days=400)
"""Longer than anybody keeps backups of a mailbox that could bring mails back."""
UNDELIVERED = ("failed", "expired", "cancelled")

_KEY, _NEW = ("account", "uidvalidity", "uid"), ("sha256", "letter_id", "fate", "seen_at")
"""A UID that means other bytes now (a server taken back to a backup) stands for these from now on."""
_FAILED = exists().where(
    LETTER.c.whole == SEEN.c.letter_id, DELIVERY.c.letter_id == LETTER.c.id, DELIVERY.c.state.in_(UNDELIVERED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeing:
    """What became of one mail."""

    mail: MailKey
    letter: LetterId
    fate: Fate
    at: datetime


def remember(connection: Connection, jobs: Sequence[Seeing]) -> Sequence[None]:
    """Write down what became of each."""
    rows = [
        {
            "account": job.mail.account,
            "uidvalidity": job.mail.uidvalidity,
            "uid": job.mail.uid,
            "sha256": job.mail.sha256,
            "letter_id": job.letter,
            "fate": job.fate.value,
            "seen_at": job.at,
        }
        for job in jobs
    ]
    if rows:
        upsert(connection, SEEN, _KEY, _NEW, rows)
    return [None] * len(jobs)


def not_taken(connection: Connection, letter: LetterId) -> None:
    """The mail that brought this letter was refused after all; its door says so once the sender was told."""
    connection.execute(delete(SEEN).where(SEEN.c.letter_id == letter))


def forget(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Forget what is older than the horizon."""
    return [connection.execute(delete(SEEN).where(SEEN.c.seen_at < horizon)).rowcount for horizon in jobs]


def became(connection: Connection, mail: MailKey) -> Fate | None:
    """What became of this mail, or of the same bytes when they were taken in this mailbox before.

    By its numbers, for as long as it stays where it is. By its bytes, when the server gave all mails new numbers or
    went back to a backup. One that somebody puts back has a new UID under the same UIDVALIDITY: it is read anew when
    it was refused, since the settings may have changed, or when its letter reached nobody.
    """
    same = (SEEN.c.account == mail.account, SEEN.c.sha256 == mail.sha256)
    itself = select(SEEN.c.fate).where(*same, SEEN.c.uidvalidity == mail.uidvalidity, SEEN.c.uid == mail.uid)
    if fate := connection.execute(itself).scalar():
        return Fate(fate)
    put_back = SEEN.c.uidvalidity == mail.uidvalidity
    copies = select(SEEN.c.fate).where(*same, SEEN.c.fate == Fate.TAKEN.value, ~put_back | ~_FAILED)
    return Fate.TAKEN if connection.execute(copies.limit(1)).scalar() else None
