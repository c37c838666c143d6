"""Follows the journal's chain of hashes line by line and says what was done to it: changed, removed, put in, moved.

Pure: lines in, breaks out. A line that does not follow is held back until the next one tells which of them is wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.queue import entries
from gateway.queue.entries import Line

REACH = 64
"""So many lines back a line's true forerunner is looked for."""
_SEQ, _HASH, _SALT = 0, 8, 9
_BEFORE_ALL: Line = (0, *[None] * 7, entries.START, None, b"")


class What(StrEnum):
    """What was done to a line."""

    CHANGED = "changed"
    REMOVED = "removed"
    BROKEN = "broken"
    INSERTED = "inserted"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where the chain does not hold; ``after`` is the last line before that does."""

    what: What
    seq: int
    after: int


class Chain:
    """Sees every line in order (:meth:`see`), then tells (:meth:`end`)."""

    def __init__(self) -> None:
        """Before the first line."""
        self._sound: deque[Line] = deque([_BEFORE_ALL], maxlen=REACH)
        self._stray: Line | None = None
        self._salted = False
        self._changed: list[tuple[int, int]] = []
        self._gaps: list[tuple[Line, Line]] = []
        """Each line that does not follow, with the one before it that is sound."""
        self._put_in: list[tuple[Line, Line]] = []
        """Each with the line before which it stands and should not."""

    def see(self, line: Line) -> None:
        """The next line."""
        if self._stray is None and line[_SALT] is not None and entries.sound(self._sound[-1][_HASH], line):
            self._salted = True
            self._sound.append(line)
            return
        if entries.changed(line) or self._out_of_time(line):
            self._changed.append((line[_SEQ], self._sound[-1][_SEQ]))
        stray, self._stray = self._stray, None
        if stray is None:
            self._follow(line)
        else:
            self._settle(stray, line)

    def end(self) -> list[Break]:
        """All that is wrong, each line once."""
        if self._stray is not None:
            self._gaps.append((self._stray, self._sound[-1]))
        told = {seq: Break(what=What.CHANGED, seq=seq, after=after) for seq, after in self._changed}
        gaps = self._gaps
        for line, before in self._put_in:
            home = next((gap for gap in gaps if _follows(line, gap[0])), None)
            gaps = [gap for gap in gaps if gap is not home]
            moved = home or _follows(before, line) or any(_follows(other, line) for other, _ in self._put_in)
            told.setdefault(line[_SEQ], _break(What.MOVED if moved else What.INSERTED, line))
        for each in _displaced(gaps) if len(gaps) < REACH else [_missing(*gap) for gap in gaps]:
            told.setdefault(each.seq, each)
        return list(told.values())

    def _follow(self, line: Line) -> None:
        """It follows from the last sound one, or waits for the next to be judged."""
        if _follows(self._sound[-1], line):
            self._sound.append(line)
        else:
            self._stray = line

    def _settle(self, stray: Line, line: Line) -> None:
        """With one line more: the stray does not belong, or its hash was changed, or something is wrong before it."""
        last = self._sound[-1]
        if _follows(last, line):
            self._put_in.append((stray, line))
            self._sound.append(line)
        elif entries.expected(entries.expected(last[_HASH], stray), line) == line[_HASH]:
            self._changed.append((stray[_SEQ], last[_SEQ]))
            self._sound.append(line)
        else:
            if not self._forked(stray):
                self._gaps.append((stray, last))
                self._sound.append(stray)
            self._follow(line)

    def _forked(self, line: Line) -> bool:
        """Whether it follows from a line further back: then what stands between them was put in."""
        behind = list(self._sound)
        for at in range(len(behind) - 2, -1, -1):
            if _follows(behind[at], line):
                between = behind[at + 1 :]
                self._gaps = [gap for gap in self._gaps if gap[0] not in between]
                self._put_in += [(each, line) for each in between]
                self._sound = deque([*behind[: at + 1], line], maxlen=REACH)
                return True
        return False

    def _out_of_time(self, line: Line) -> bool:
        """A line of the form of before the salts, behind one that has a salt: nobody writes such any more."""
        if not entries.of_before(line):
            self._salted = True
            return False
        return self._salted


def _displaced(gaps: list[tuple[Line, Line]]) -> Iterator[Break]:
    """A line that follows from where another gap is was moved here; one that follows from a moved line was not."""
    strays = [line for line, _ in gaps]
    sound = [before for _, before in gaps if before not in strays]
    moved = [line for line in strays if any(_follows(before, line) for before in sound)]
    yield from (_break(What.MOVED, line) for line in moved)
    for line, after in gaps:
        if line not in moved and not any(_follows(each, line) for each in moved):
            yield _missing(line, after)


def _missing(line: Line, after: Line) -> Break:
    what = What.REMOVED if line[_SEQ] - after[_SEQ] > 1 else What.BROKEN
    return Break(what=what, seq=line[_SEQ], after=after[_SEQ])


def _break(what: What, line: Line) -> Break:
    return Break(what=what, seq=line[_SEQ], after=line[_SEQ] - 1)


def _follows(before: Line, line: Line) -> bool:
    return bool(entries.expected(before[_HASH], line) == line[_HASH])
