"""The tables of what is kept, on SQLite and PostgreSQL alike; SQLModel declares them, Core statements use them.

Names, subjects, mailboxes and content are only in ``sealed``, ``addressee`` and ``chunk.data``: AES-256-GCM under the
letter's own key. What is in clear is ids, codes, states and times.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from gateway.moments import Moment
from gateway.queue.answer_tables import Answer, AnswerWish

__all__ = ["Answer", "AnswerWish"]


def _those(state: str, name: str, *columns: str) -> Index:
    """An index of the deliveries in one state alone: it stays small however many are over."""
    only = text(f"state = '{state}'")
    return Index(name, *columns, sqlite_where=only, postgresql_where=only)


class Letter(SQLModel, table=True):
    """One letter as it was handed in, or one patient's part of it (``whole`` then names the letter with the bytes)."""

    id: str = Field(primary_key=True)
    whole: str = Field(index=True)
    part: int = 0
    door: str
    source: str
    state: str = "open"
    planned: bool = False
    """Whether every addressee has his row; a letter without is read again after a restart."""
    strikes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often the work on it before its rows ended in a crash, of the reader or of the whole process."""
    reason: str = ""
    size: int = 0
    sha256: str = ""
    loinc: str | None = None
    unit: str | None = None
    control_id: str | None = None
    received_at: datetime = Field(sa_type=Moment, index=True)
    discharged_at: datetime | None = Field(sa_type=Moment, default=None)
    final_at: datetime | None = Field(sa_type=Moment, default=None)
    body_key: bytes = Field(sa_type=LargeBinary)
    sealed: bytes = Field(sa_type=LargeBinary)
    erase_after: datetime | None = Field(sa_type=Moment, default=None, index=True)

    __table_args__ = (
        Index("letter_unplanned", "id", sqlite_where=text("planned = 0"), postgresql_where=text("NOT planned")),
    )


class Chunk(SQLModel, table=True):
    """At most 1 MiB of a letter's bytes, sealed."""

    letter_id: str = Field(primary_key=True)
    n: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class Delivery(SQLModel, table=True):
    """One letter on its way to one addressee."""

    id: str = Field(primary_key=True)
    letter_id: str = Field(index=True)
    role: str
    rpps: str | None = Field(default=None, index=True)
    addressee: bytes = Field(sa_type=LargeBinary)
    route: str = ""
    protection: str = ""
    state: str
    proof: int = 0
    reason: str = ""
    attempts: int = 0
    ambiguous: int = 0
    next_at: datetime | None = Field(sa_type=Moment, default=None)
    node: str = ""
    epoch: int = 0
    lease_until: datetime | None = Field(sa_type=Moment, default=None)
    """By the database's clock, never by a node's."""
    phase: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """How far a leased one is known to be: connect, dot, trial; empty when nothing is known."""
    strikes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many processes died while they worked on it, since its last orderly ending."""
    held_at: datetime | None = Field(sa_type=Moment, default=None)
    """Since when it waits without an attempt in between."""
    reminded_at: datetime | None = Field(sa_type=Moment, default=None)
    """When it was last brought back to mind while it was held."""
    code: int | None = None
    status: str = ""
    dsn_offered: bool = False
    created_at: datetime = Field(sa_type=Moment)
    sealed_at: datetime | None = Field(sa_type=Moment, default=None)
    accepted_at: datetime | None = Field(sa_type=Moment, default=None)
    final_at: datetime | None = Field(sa_type=Moment, default=None)
    notify: str = ""
    """NOTIFY of RFC 3461, comma separated; empty when the sender said nothing (failures and delays are told)."""
    reported: str = ""
    """What the sender was last told about this delivery: delayed, held, failed, delivered, relayed; or nothing."""

    __table_args__ = (
        _those("ready", "delivery_due", "route", "next_at"),
        _those("ready", "delivery_age", "created_at"),
        _those("leased", "delivery_lease", "lease_until"),
        _those("held", "delivery_held", "next_at"),
        Index("delivery_told", "reported", "state", "created_at"),
        Index(
            "delivery_unsure", "ambiguous", sqlite_where=text("ambiguous > 0"), postgresql_where=text("ambiguous > 0")
        ),
        Index("delivery_suspect", "strikes", sqlite_where=text("strikes > 0"), postgresql_where=text("strikes > 0")),
    )


class Replay(SQLModel, table=True):
    """What was handed in lately, so that a second time is recognised."""

    key: bytes = Field(sa_type=LargeBinary, primary_key=True)
    letter_id: str = Field(index=True)
    seen_at: datetime = Field(sa_type=Moment, index=True)
    again: int = 0
    """How often it came again: from then on the letter was promised and cannot be withdrawn."""
    answer: bytes = Field(sa_type=LargeBinary, default=b"")


class Node(SQLModel, table=True):
    """A gateway process: who it is, which version, and when it was last heard of, by the database's clock."""

    id: str = Field(primary_key=True)
    version: str
    beat: datetime = Field(sa_type=Moment)


class ImapSeen(SQLModel, table=True):
    """A mail of a watched mailbox that was taken, or refused and told: it is only moved when it is seen again."""

    __tablename__ = "imap_seen"

    account: str = Field(primary_key=True)
    uidvalidity: int = Field(sa_type=BigInteger, primary_key=True)
    uid: int = Field(sa_type=BigInteger, primary_key=True)
    sha256: bytes = Field(sa_type=LargeBinary)
    letter_id: str = Field(index=True)
    fate: str
    seen_at: datetime = Field(sa_type=Moment, index=True)

    __table_args__ = (Index("imap_seen_bytes", "account", "sha256"),)


class Entry(SQLModel, table=True):
    """The journal: append-only, each entry's hash covers the one before.

    ``leaf`` covers ``salt`` and the words. Without salt but with a leaf the entry was erased; without both it is of
    before the salts, and its hash covers the words themselves (docs/evidence.md).
    """

    seq: int | None = Field(primary_key=True, default=None)
    at: datetime = Field(sa_type=Moment)
    kind: str
    letter_id: str | None = Field(default=None, index=True)
    delivery_id: str | None = None
    actor: str
    code: str
    words: str
    hash: bytes = Field(sa_type=LargeBinary)
    salt: bytes | None = Field(sa_type=LargeBinary, default=None)
    leaf: bytes | None = Field(sa_type=LargeBinary, default=None)


class JournalTile(SQLModel, table=True):
    """A complete subtree of the journal's tree: of height 8 over entries, of height 16 over those, and on."""

    __tablename__ = "journal_tile"

    height: int = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger, primary_key=True)
    hash: bytes = Field(sa_type=LargeBinary)
    last_seq: int = Field(sa_type=BigInteger)
    """The number of its last entry."""


class JournalCheckpoint(SQLModel, table=True):
    """A signed tree head: so many entries of the journal had this root."""

    __tablename__ = "journal_checkpoint"

    size: int = Field(sa_type=BigInteger, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    last_seq: int = Field(sa_type=BigInteger)
    note: str


class VaultKey(SQLModel, table=True):
    """A key between the master key, which wraps it, and the letters: each tenant's, the pseudonyms', the journal's."""

    __tablename__ = "vault_key"

    id: str = Field(primary_key=True)
    purpose: str
    name: str = ""
    current: bool = True
    wrapped: bytes = Field(sa_type=LargeBinary)
    """Empty once the key is destroyed."""
    created_at: datetime = Field(sa_type=Moment)
    retired_at: datetime | None = Field(sa_type=Moment, default=None)
    """Since when no new letter is wrapped under it."""
    rewrapped_to: str = ""
    """The last letter that was looked at to take it away from this key: where a rotation goes on after a kill."""


class JournalHead(SQLModel, table=True):
    """How long the journal is and how it ends, under a seal: a tail that was cut off is noticed."""

    __tablename__ = "journal_head"

    id: int = Field(primary_key=True)
    entries: int
    hash: bytes = Field(sa_type=LargeBinary)
    seal: bytes = Field(sa_type=LargeBinary)


class Hold(SQLModel, table=True):
    """While there is a row nothing leaves: a restored queue waits for a person (promises.md F5)."""

    id: int = Field(primary_key=True)
    since: datetime = Field(sa_type=Moment)
    why: str
