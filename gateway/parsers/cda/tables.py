"""Tables of a narrative block as columns of plain text that line up in any fixed-width view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from textwrap import wrap

_WIDEST = 48
"""A cell of a table with several columns is broken at this width, so that a row stays on a screen."""

_MAX_COLUMNS = 60
_MAX_WRAPPED = 20_000
_MAX_CHARACTERS = 1_000_000
"""A table that would grow past this is not laid out: a few bytes of markup must not become gigabytes of blanks."""

_GAP = "  "

Row = Sequence[Sequence[str]]
"""Lines of each cell, from left to right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell's lines and how many columns and rows it covers."""

    lines: tuple[str, ...] = field(default=(), repr=False)
    columns: int = 1
    rows: int = 1


def aligned(rows: Iterable[list[Cell]]) -> list[str]:
    """The rows as lines whose columns line up; spans become empty cells so that values stay under their title."""
    grid = [row for row in _without_spans(rows) if any(row)]
    broken = [row[:1] if _stands_alone(row) else [_broken(lines) for lines in row] for row in grid]
    widths = _widths(broken)
    if sum(widths) * sum(max(map(len, row)) for row in broken) > _MAX_CHARACTERS:
        return ["\t".join(" ".join(lines) for lines in row) for row in grid]
    return [line for row in broken for line in _laid_out(row, widths)]


def _stands_alone(row: Row) -> bool:
    """A row with words in its first column only is a heading across the table: it widens nothing."""
    return not any(row[1:])


def _widths(rows: Sequence[Row]) -> list[int]:
    columns = max((len(row) for row in rows), default=0)
    several = [row for row in rows if len(row) > 1]
    return [
        max((len(line) for row in several if column < len(row) for line in row[column]), default=0)
        for column in range(columns)
    ]


def _without_spans(rows: Iterable[list[Cell]]) -> Iterable[Row]:
    """Rows whose cells are as many as the columns they cover: the words first, then empty ones."""
    covered: dict[int, int] = {}
    for row in rows:
        laid: list[Sequence[str]] = []
        below = {column: left - 1 for column, left in covered.items() if left > 1}
        for cell in row[:_MAX_COLUMNS]:
            while covered.get(len(laid)):
                laid.append(())
            if cell.rows > 1:
                below |= dict.fromkeys(range(len(laid), len(laid) + cell.columns), cell.rows - 1)
            laid += [cell.lines, *[()] * (cell.columns - 1)]
        laid += [cell.lines for cell in row[_MAX_COLUMNS:]]
        covered = below
        yield laid


def _broken(lines: Sequence[str]) -> list[str]:
    return [part for line in lines for part in (wrap(line, _WIDEST) if _WIDEST < len(line) < _MAX_WRAPPED else [line])]


def _laid_out(row: Row, widths: list[int]) -> list[str]:
    return [
        _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=False)).rstrip()
        for parts in zip_longest(*row, fillvalue="")
    ]
