"""The journal on disk: append-only, each entry's hash covers the one before, and its end is sealed.

A changed line is named by the chain; a tail that was cut off, by the sealed end, which only a holder of the keys makes.
Who has the keys, or puts a whole older file back, is found out by signed checkpoints that were kept elsewhere
(docs/evidence.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import Connection, and_, bindparam, func, insert, select, text, update

from gateway import journal
from gateway import journal_tree as tree
from gateway.journal import Event
from gateway.moments import microseconds
from gateway.prepared import Prepared, wrapped
from gateway.queue.tables import Entry, JournalHead

ENTRY = Entry.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
HEAD = JournalHead.__table__  # type: ignore[attr-defined]
_COLUMNS = ("at", "kind", "letter_id", "delivery_id", "actor", "code", "words", "hash", "salt", "leaf")
_INSERT = Prepared(insert(ENTRY), *_COLUMNS)
_BLANK = (
    update(ENTRY)
    .where(ENTRY.c.seq == bindparam("number"))
    .values(leaf=bindparam("own"), letter_id=None, delivery_id=None, actor="", code="", words="", salt=None)
)
_MOVE = Prepared(update(HEAD).values(entries=bindparam("length"), hash=bindparam("last"), seal=bindparam("sealed")))
_LINES = text(
    "SELECT seq, at, kind, letter_id, delivery_id, actor, code, words, hash, salt, leaf FROM entry"
    " WHERE seq > :after ORDER BY seq LIMIT :most"
)
"""Without the tables' types: a million lines are looked at in seconds."""
AT_ONCE = 2000
Line = Sequence[Any]
"""seq, then at (microseconds since 1970 UTC), kind, letter, delivery, actor, code, words, then hash, salt, leaf."""
START = b"\0" * 32
_END, _SEAL = "huitaine-journal-end", "huitaine-journal-seal"
"""Where the writer's connection remembers how the chain ends, and what seals that."""
Seal = Callable[[bytes], bytes]


def append(connection: Connection, events: Sequence[Event]) -> None:
    """Add ``events`` to the journal; only the writer's thread calls this, inside its transaction."""
    if not events:
        return
    number, last = connection.info.get(_END) or _end(connection)
    salts = os.urandom(tree.SALT * len(events))
    rows = []
    for at, event in enumerate(events):
        salt = salts[at * tree.SALT : (at + 1) * tree.SALT]
        leaf = tree.leaf(salt + tree.written(_fields(event)))
        last = tree.link(last, leaf)
        rows.append(_row(event) | {"hash": last, "salt": salt, "leaf": leaf})
    _INSERT.many(connection, rows)
    number += len(rows)
    connection.info[_END] = number, last
    seal: Seal | None = connection.info.get(_SEAL)
    if seal:
        _MOVE.many(connection, [{"length": number, "last": last, "sealed": seal(_sealed(number, last))}])


def erase(connection: Connection, letters: Sequence[str], now: datetime) -> None:
    """Destroy the words and salts of what the journal says of these letters; which entries that were is journaled.

    Moment, kind and hashes stay: the chain, the tree and every proof given before hold as they did. What figures are
    drawn from stays whole.
    """
    mine = and_(ENTRY.c.letter_id.in_(letters), ENTRY.c.kind.not_in(journal.FIGURES))
    gone = connection.execute(select(ENTRY.c.seq, ENTRY.c.hash, ENTRY.c.leaf).where(mine).order_by(ENTRY.c.seq)).all()
    if not gone:
        return
    # One of before the salts has its leaf over its hash: written down, it is known for an erased one.
    leaves = [{"number": row.seq, "own": tree.leaf(row.hash) if row.leaf is None else row.leaf} for row in gone]
    connection.execute(_BLANK, leaves)
    append(connection, [journal.entries_erased(now, [row.seq for row in gone])])


def forget(connection: Connection) -> None:
    """Read the end of the chain again next time: the transaction that moved it was rolled back."""
    connection.info.pop(_END, None)


def seal_with(connection: Connection, seal: Seal, *, first: bool = False) -> None:
    """Seal the journal's end from now on; with ``first`` one that was never sealed (version 0.1) is taken as it is.

    An end whose seal is gone or is not ours is never sealed again: that would vouch for what somebody else wrote.
    """
    head = connection.execute(select(HEAD)).one_or_none()
    if head is None and first:
        connection.execute(insert(HEAD).values(id=1, **_head(seal, length(connection), last_hash(connection))))
    elif head is None or head.seal != seal(_sealed(head.entries, head.hash)):
        structlog.get_logger().critical("journal-seal-broken", do="see `huitaine audit verify`")
        return
    connection.info[_SEAL] = seal


def length(connection: Connection) -> int:
    """How many lines the journal has."""
    return int(connection.execute(select(func.count()).select_from(ENTRY)).scalar_one())


def last_hash(connection: Connection) -> bytes:
    """The hash at the end of the journal."""
    found = connection.execute(select(ENTRY.c.hash).order_by(ENTRY.c.seq.desc()).limit(1)).scalar()
    return found if found is not None else START


def missing_tail(connection: Connection, seal: Seal) -> int:
    """How many lines are missing at the end, 0 when none; -1 when the sealed end is not ours."""
    end = sealed_end(connection, seal)
    if end is None:
        return -1
    missing = end[0] - length(connection)
    return missing if missing or end[1] == last_hash(connection) else -1


def told(connection: Connection, after: int = 0, *, at_most: int = 2**62) -> Iterator[Line]:
    """The lines behind ``after`` in order, as the tables keep them."""
    left = at_most
    while left > 0:
        asked = connection.execute(_LINES, {"after": after, "most": min(left, AT_ONCE)})
        with wrapped(connection, _LINES.text):
            page: Sequence[Line] = asked.cursor.fetchall() if asked.cursor else ()  # plain tuples of the driver
        yield from page
        if len(page) < AT_ONCE:
            return
        after, left = page[-1][0], left - AT_ONCE


def sealed_end(connection: Connection, seal: Seal) -> tuple[int, bytes] | None:
    """How many lines were sealed and the last one's hash; ``None`` when the seal is missing or not ours."""
    found = connection.execute(select(HEAD)).one_or_none()
    if found is None or found.seal != seal(_sealed(found.entries, found.hash)):
        return None
    return int(found.entries), bytes(found.hash)


def sound(last: bytes, line: Line) -> bool:
    """Whether a line is what was written, behind one with the hash ``last``; of an erased one its place alone."""
    if line[9] is not None and not changed(line):
        return bool(tree.link(last, line[10]) == line[8])
    return line[9] is None and expected(last, line) == line[8]


def leaf_of(line: Line) -> bytes:
    """The leaf of a line in the journal's tree: its own, or that over its hash when it is of before the salts."""
    leaf: bytes | None = line[10]
    return leaf if leaf is not None else tree.leaf(line[8])


def expected(last: bytes, line: Line) -> bytes:
    """The hash that a line must have behind one with the hash ``last``."""
    own, salt, leaf = line[8], line[9], line[10]
    if salt is None and leaf is None:
        return sha256(last + old_words(line[1:8])).digest()
    if salt is None and leaf == tree.leaf(own):
        return bytes(own)  # of before the salts, and erased: what it followed from is gone
    return tree.link(last, leaf or b"")


def of_before(line: Line) -> bool:
    """Whether it was written before the salts, be it erased since or not."""
    return line[9] is None and (line[10] is None or line[10] == tree.leaf(line[8]))


def changed(line: Line) -> bool:
    """Whether the words of a line are not those that its leaf covers; of an erased one nothing can be said."""
    salt = line[9]
    return salt is not None and tree.leaf(salt + tree.written(line[1:8])) != line[10]


def old_words(fields: Sequence[str | int | None]) -> bytes:
    """What the hash of an entry of before the salts covers, behind the hash of the one before."""
    return "\x1f".join("" if field is None else str(field) for field in fields).encode()


def broken_links(connection: Connection) -> Iterator[int]:
    """The ``seq`` of each entry that was changed, or whose hash does not follow from the one before."""
    last = START
    for line in told(connection):
        if not sound(last, line):
            yield line[0]
        last = line[8]


def _end(connection: Connection) -> tuple[int, bytes]:
    """By the sealed end: lines that are missing stay missed, and what follows rewritten ones does not follow them."""
    head, last = connection.execute(select(HEAD)).one_or_none(), last_hash(connection)
    if head is None:
        return length(connection), last
    rewritten = head.hash != last and head.entries == length(connection)
    return int(head.entries), head.hash if rewritten else last


def _head(seal: Seal, number: int, last: bytes) -> dict[str, Any]:
    return {"entries": number, "hash": last, "seal": seal(_sealed(number, last))}


def _sealed(number: int, last: bytes) -> bytes:
    return b"huitaine journal %d\0" % number + last


def _fields(event: Event) -> tuple[str | int | None, ...]:
    at = microseconds(event.at)
    return at, event.kind, event.letter, event.delivery, event.actor, event.code, event.words


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
