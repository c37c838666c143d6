"""The journal's tree as it is kept: complete subtrees of 256 entries, of 256 of those, and on; the rest is lines.

A root or a proof reads a few hundred hashes, however long the journal is. Nothing here is on a letter's road: the tree
grows behind the journal, in the background (``gateway/service/journal/checkpoints.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from gateway import journal_tree as tree
from gateway.errors import JournalRefused
from gateway.queue import entries
from gateway.queue.entries import ENTRY, Line, Seal
from gateway.queue.tables import JournalCheckpoint, JournalTile

TILE = JournalTile.__table__  # type: ignore[attr-defined]  # SQLModel makes it at run time
CHECKPOINT = JournalCheckpoint.__table__  # type: ignore[attr-defined]
HEIGHT = 8
WIDTH = 1 << HEIGHT
AT_ONCE = 64
"""Tiles read, checked and written in one step: some hundredths of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One complete subtree."""

    height: int
    n: int
    hash: bytes
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The whole tree at one moment."""

    size: int
    root: bytes
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """A checkpoint to be kept."""

    head: Head
    note: str
    at: datetime


class StoredTree:
    """The tree as one transaction sees it; :meth:`node` is what ``journal_tree`` asks for."""

    def __init__(self, connection: Connection) -> None:
        """Reads nothing yet."""
        self._connection = connection
        self._leaves: dict[int, list[bytes]] = {}

    def node(self, height: int, index: int) -> bytes:
        """The hash of a complete subtree; raises JournalRefused when it is not there."""
        if height < HEIGHT:
            tile, first = divmod(index << height, WIDTH)
            hashes = self._of(tile)[first : first + (1 << height)]
        else:
            level = height - height % HEIGHT
            hashes = self._kept(level, index << (height - level), 1 << (height - level))
        if len(hashes) != 1 << height % HEIGHT:
            raise JournalRefused("the journal's tree is not whole: see `huitaine audit verify`")
        return tree.peak(hashes)

    def root(self, size: int) -> bytes:
        """The root over the first ``size`` entries."""
        return tree.root(size, self.node)

    def place(self, seq: int) -> int:
        """Which leaf the line ``seq`` is, counted from 0."""
        wide = select(TILE.c.n, TILE.c.last_seq).where(TILE.c.height == HEIGHT)
        before = self._connection.execute(wide.where(TILE.c.last_seq < seq).order_by(TILE.c.n.desc()).limit(1)).first()
        n, last = before or (-1, 0)
        behind = select(func.count()).select_from(ENTRY).where(ENTRY.c.seq > last, ENTRY.c.seq < seq)
        return (int(n) + 1) * WIDTH + int(self._connection.execute(behind).scalar_one())

    def _of(self, tile: int) -> list[bytes]:
        if tile not in self._leaves:
            last = _last_seq(self._connection, tile - 1)
            lines = entries.told(self._connection, last, at_most=WIDTH)
            self._leaves[tile] = [entries.leaf_of(line) for line in lines]
        return self._leaves[tile]

    def _kept(self, level: int, first: int, number: int) -> list[bytes]:
        here = (TILE.c.height == level, TILE.c.n >= first, TILE.c.n < first + number)
        return list(self._connection.execute(select(TILE.c.hash).where(*here).order_by(TILE.c.n)).scalars())


def grown(connection: Connection) -> list[Tile]:
    """The next complete subtrees that are not kept yet, at most some, from lines that are what was written.

    Raises JournalRefused at the first line that was changed or does not follow: nothing is built over it.
    """
    n, last, own = _end(connection)
    made: list[Tile] = []
    for part in _full(_checked(own, entries.told(connection, last, at_most=AT_ONCE * WIDTH))):
        n += 1
        leaves = [entries.leaf_of(line) for line in part]
        made.append(Tile(height=HEIGHT, n=n, hash=tree.peak(leaves), last_seq=part[-1][0]))
        made += _above(connection, made)
    return made


def keep(connection: Connection, jobs: Sequence[Sequence[Tile]]) -> Sequence[None]:
    """Writer's verb: keep subtrees; what they cover never changes again."""
    rows = [
        {"height": each.height, "n": each.n, "hash": each.hash, "last_seq": each.last_seq}
        for job in jobs
        for each in job
    ]
    if rows:
        connection.execute(insert(TILE), rows)
    return [None] * len(jobs)


def head(connection: Connection, seal: Seal) -> Head:
    """The tree as it is now, once all complete subtrees are kept (:func:`grown` gives none any more).

    Raises JournalRefused when a line behind the last subtree was changed, or when the end is not the sealed one.
    """
    n, last, own = _end(connection)
    lines = list(_checked(own, entries.told(connection, last)))
    size = (n + 1) * WIDTH + len(lines)
    if entries.sealed_end(connection, seal) != (size, lines[-1][8] if lines else own):
        raise JournalRefused("the journal does not end as it was sealed: see `huitaine audit verify`")
    return Head(size=size, root=StoredTree(connection).root(size), last_seq=lines[-1][0] if lines else last)


def sign(connection: Connection, jobs: Sequence[Signing]) -> Sequence[None]:
    """Writer's verb: keep checkpoints."""
    for job in jobs:
        row = {"size": job.head.size, "at": job.at, "last_seq": job.head.last_seq, "note": job.note}
        if not connection.execute(select(CHECKPOINT.c.size).where(CHECKPOINT.c.size == job.head.size)).first():
            connection.execute(insert(CHECKPOINT).values(**row))
    return [None] * len(jobs)


def newest(connection: Connection) -> Row[Any] | None:
    """The last checkpoint: size, at, last_seq, note."""
    return connection.execute(select(CHECKPOINT).order_by(CHECKPOINT.c.size.desc()).limit(1)).one_or_none()


def _end(connection: Connection) -> tuple[int, int, bytes]:
    """Number of the last tile of 256, the ``seq`` of its last line and that line's hash."""
    wide = select(TILE.c.n, TILE.c.last_seq).where(TILE.c.height == HEIGHT).order_by(TILE.c.n.desc()).limit(1)
    found = connection.execute(wide).one_or_none()
    if found is None:
        return -1, 0, entries.START
    own = connection.execute(select(ENTRY.c.hash).where(ENTRY.c.seq == found.last_seq)).scalar()
    if own is None:
        raise JournalRefused(f"journal line {found.last_seq} is missing: see `huitaine audit verify`")
    return found.n, found.last_seq, own


def _last_seq(connection: Connection, tile: int) -> int:
    if tile < 0:
        return 0
    here = (TILE.c.height == HEIGHT, TILE.c.n == tile)
    found = connection.execute(select(TILE.c.last_seq).where(*here)).scalar()
    if found is None:
        raise JournalRefused("the journal's tree is not whole: see `huitaine audit verify`")
    return int(found)


def _checked(last: bytes, lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        if not entries.sound(last, line):
            raise JournalRefused(f"journal line {line[0]} was changed, or does not follow: see `huitaine audit verify`")
        last = line[8]
        yield line


def _full(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Whole parts of 256; what is left over waits."""
    part: list[Line] = []
    for line in lines:
        part.append(line)
        if len(part) == WIDTH:
            yield part
            part = []


def _above(connection: Connection, made: list[Tile]) -> list[Tile]:
    """The subtrees that the last one completes, each of 256 below."""
    found: list[Tile] = []
    below = made[-1]
    while below.n % WIDTH == WIDTH - 1:
        first = below.n - WIDTH + 1
        here = (TILE.c.height == below.height, TILE.c.n >= first, TILE.c.n <= below.n)
        hashes = {row.n: row.hash for row in connection.execute(select(TILE.c.n, TILE.c.hash).where(*here))}
        hashes |= {each.n: each.hash for each in (*made, *found) if each.height == below.height and each.n >= first}
        if len(hashes) != WIDTH:
            raise JournalRefused("the journal's tree is not whole: see `huitaine audit verify`")
        hash_ = tree.peak([hashes[n] for n in sorted(hashes)])
        below = Tile(height=below.height + HEIGHT, n=below.n // WIDTH, hash=hash_, last_seq=below.last_seq)
        found.append(below)
    return found
