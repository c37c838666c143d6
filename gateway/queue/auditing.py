"""Reads the whole journal once and names what is wrong: by the chain, the sealed end, the tree and the checkpoints.

Who altered the database without the keys is named by entry, or, when he also made every later hash anew, by the sealed
end and by the stretch in which the journal differs from what was signed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, select

from gateway import journal_note, journal_tree
from gateway.errors import JournalRefused
from gateway.journal import ENTRIES_ERASED, numbers_in
from gateway.queue import chain, entries, tiles
from gateway.queue.entries import Line

STEP = 10_000
"""So often the reader of the audit hears how far it is."""


class Wrong(StrEnum):
    """What can be wrong with the journal; stable codes."""

    CHANGED = "changed"
    """The words of this entry are not those that were written."""
    REMOVED = "removed"
    """Entries between ``after`` and ``seq`` are missing."""
    BROKEN = "broken"
    """This entry does not follow from ``after``: one of the two was changed, or what stood between them is gone."""
    INSERTED = "inserted"
    """This entry was put in."""
    MOVED = "moved"
    """This entry stood elsewhere."""
    BLANKED = "blanked"
    """Its words were taken away, and no erasure in the journal says so."""
    CUT = "cut"
    """So many entries are missing at the end, or too many are there (``number``)."""
    END = "end"
    """The end is not the one that was sealed with our key."""
    TREE = "tree"
    """Between ``after`` and ``seq`` the entries are not those over which the tree was built."""
    CHECKPOINT = "checkpoint"
    """Between ``after`` and ``seq`` the entries are not those that were signed; ``number`` is the checkpoint's size."""
    FORGED = "forged"
    """The checkpoint of the size ``number`` was not signed with our key, or was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; 0 where a number says nothing."""

    code: Wrong
    seq: int = 0
    after: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was looked at, and what is wrong with it."""

    entries: int
    erased: int
    checkpoints: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What an audit is held against."""

    seal: entries.Seal
    public: bytes = field(repr=False)
    kept: Sequence[journal_note.Checkpoint] = ()
    """Checkpoints that were kept elsewhere; their signatures are verified already."""
    told: Callable[[int], None] = lambda _: None
    """Hears how many entries were read."""


def audit(connection: Connection, asking: Asking) -> Audit:
    """Look at all of it, in one transaction: some seconds for a million entries."""
    wanted = _Wanted.read(connection, asking)
    links, blanks, forest = chain.Chain(), _Blanks(), _Forest(wanted)
    number, last = 0, entries.START
    for line in entries.told(connection):
        links.see(line)
        blanks.see(line)
        forest.see(line)
        number, last = number + 1, line[8]
        if number % STEP == 0:
            asking.told(number)
    asking.told(number)
    named = [*_named(links.end()), *blanks.end()]
    end = entries.sealed_end(connection, asking.seal)
    ending = _wrong_end(end, number + _accounted(named), last)
    found = [*named, *forest.end(named), *ending, *wanted.forged]
    return Audit(
        entries=number,
        erased=len(blanks.blank),
        checkpoints=len(wanted.heads),
        findings=tuple(sorted(found, key=_place)),
    )


def _place(finding: Finding) -> tuple[int, str]:
    return finding.seq or 2**62, finding.code


def _named(breaks: Sequence[chain.Break]) -> Iterator[Finding]:
    for each in breaks:
        yield Finding(code=Wrong(each.what.value), seq=each.seq, after=each.after)


def _wrong_end(end: tuple[int, bytes] | None, number: int, last: bytes) -> Iterator[Finding]:
    if end is None:
        yield Finding(code=Wrong.END)
    elif end[0] != number:
        yield Finding(code=Wrong.CUT, number=end[0] - number)
    elif end[1] != last:
        yield Finding(code=Wrong.END)


def _accounted(named: Sequence[Finding]) -> int:
    """By how many lines more the journal would be whole, as far as lines are named already."""
    gone = sum(each.seq - each.after - 1 for each in named if each.code is Wrong.REMOVED)
    return gone - sum(each.code is Wrong.INSERTED for each in named)


class _Blanks:
    """Which entries have no words any more, and which of them the journal says were erased."""

    def __init__(self) -> None:
        self.blank: list[int] = []
        self._ordered: list[tuple[int, int]] = []

    def see(self, line: Line) -> None:
        if line[9] is None and line[10] is not None:
            self.blank.append(line[0])
        elif line[2] == ENTRIES_ERASED:
            self._ordered += numbers_in(line[7])

    def end(self) -> Iterator[Finding]:
        ordered = sorted(self._ordered)
        for seq in self.blank:
            at = bisect_right(ordered, (seq, 2**63)) - 1
            if at < 0 or ordered[at][1] < seq:
                yield Finding(code=Wrong.BLANKED, seq=seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What was said of the tree before: signed heads by size, subtrees of 256 in order."""

    heads: Mapping[int, bytes]
    tiles: Sequence[bytes]
    forged: Sequence[Finding]

    @classmethod
    def read(cls, connection: Connection, asking: Asking) -> _Wanted:
        heads: dict[int, bytes] = {}
        forged = []
        for row in connection.execute(select(tiles.CHECKPOINT).order_by(tiles.CHECKPOINT.c.size)):
            try:
                signed = journal_note.opened(row.note, asking.public)
            except JournalRefused:
                forged.append(Finding(code=Wrong.FORGED, number=row.size))
            else:
                heads[signed.size] = signed.root
                forged += [Finding(code=Wrong.FORGED, number=row.size)] if signed.size != row.size else []
        for kept in asking.kept:  # what was kept elsewhere is believed before what lies here
            forged += (
                [Finding(code=Wrong.FORGED, number=kept.size)] if heads.get(kept.size, kept.root) != kept.root else []
            )
            heads[kept.size] = kept.root
        subtrees = select(tiles.TILE.c.hash).where(tiles.TILE.c.height == tiles.HEIGHT).order_by(tiles.TILE.c.n)
        return cls(heads=heads, tiles=connection.execute(subtrees).scalars().all(), forged=forged)


class _Forest:
    """The tree built anew from the lines, held against what was said of it; only the first difference counts."""

    def __init__(self, wanted: _Wanted) -> None:
        self._wanted = wanted
        self._sizes = sorted(wanted.heads, reverse=True)
        self._frontier = journal_tree.Frontier(tiles.HEIGHT)
        self._sound = {Wrong.TREE: 0, Wrong.CHECKPOINT: 0}
        self._found: dict[Wrong, Finding] = {}
        self._seq = 0

    def see(self, line: Line) -> None:
        frontier = self._frontier
        frontier.add(entries.leaf_of(line))
        self._seq = line[0]
        if frontier.size % tiles.WIDTH == 0 and (n := frontier.size // tiles.WIDTH - 1) < len(self._wanted.tiles):
            self._hold(Wrong.TREE, self._wanted.tiles[n], frontier.watched)
        while self._sizes and self._sizes[-1] <= frontier.size:
            size = self._sizes.pop()
            if size == frontier.size:
                self._hold(Wrong.CHECKPOINT, self._wanted.heads[size], frontier.root())

    def end(self, named: Sequence[Finding]) -> Iterator[Finding]:
        """A stretch in which an entry is named already is not told again; a signed one always is."""
        if self._sizes:
            size = self._sizes[-1]
            late = Finding(code=Wrong.CHECKPOINT, seq=0, after=self._seq, number=size)
            self._found.setdefault(Wrong.CHECKPOINT, late)
        for finding in self._found.values():
            if finding.code is Wrong.CHECKPOINT or not any(finding.after < each.seq for each in named):
                yield finding

    def _hold(self, what: Wrong, wanted: bytes, found: bytes) -> None:
        if what in self._found:
            return
        if wanted == found:
            self._sound[what] = self._seq
            return
        size = self._frontier.size
        self._found[what] = Finding(code=what, seq=self._seq, after=self._sound[what], number=size)
