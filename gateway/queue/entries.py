"""The journal on disk: append-only, each entry's hash covers the one before, so that a changed row is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select

from gateway.journal import Event
from gateway.moments import microseconds
from gateway.queue.tables import Entry

ENTRY = Entry.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
_INSERT = insert(ENTRY)
START = b"\0" * 32
LAST = "huitaine-last-hash"
"""Where the writer's connection remembers the end of the chain."""


def append(connection: Connection, events: Sequence[Event]) -> None:
    """Add ``events`` to the journal; only the writer's thread calls this, inside its transaction."""
    if not events:
        return
    last = connection.info.get(LAST) or last_hash(connection)
    rows = []
    for event in events:
        row = _row(event)
        last = link(last, row)
        rows.append({**row, "hash": last})
    connection.execute(_INSERT, rows)
    connection.info[LAST] = last


def forget(connection: Connection) -> None:
    """Read the last hash again next time: the transaction that moved it was rolled back."""
    connection.info.pop(LAST, None)


def last_hash(connection: Connection) -> bytes:
    """The hash at the end of the journal."""
    found = connection.execute(select(ENTRY.c.hash).order_by(ENTRY.c.seq.desc()).limit(1)).scalar()
    return found if found is not None else START


def link(last: bytes, row: dict[str, Any]) -> bytes:
    """The hash of one entry after ``last``."""
    at = microseconds(row["at"])
    parts = (at, row["kind"], row["letter_id"] or "", row["delivery_id"] or "", row["actor"], row["code"], row["words"])
    return sha256(last + "\x1f".join(str(part) for part in parts).encode()).digest()


def broken_links(connection: Connection) -> Iterator[int]:
    """The ``seq`` of each entry whose hash does not follow from the one before: changed, or after a removed one."""
    last = START
    for row in connection.execute(select(ENTRY).order_by(ENTRY.c.seq)).mappings():
        if link(last, dict(row)) != row["hash"]:
            yield row["seq"]
        last = row["hash"]


def _row(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "kind": event.kind,
        "letter_id": event.letter,
        "delivery_id": event.delivery,
        "actor": event.actor,
        "code": event.code,
        "words": event.words,
    }
