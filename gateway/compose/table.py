"""Results as a table that lines up in any mail window: label, value, unit, range, mark, earlier values; no colour."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.compose.history import NOTHING, History
from gateway.compose.results import (
    is_corrected,
    is_title,
    is_unfinished,
    is_withdrawn,
    mark_of,
    notes_of,
    out_of_range,
    range_of,
    usual_moment,
    value_of,
)
from gateway.compose.text import WIDTH, one_line, visible, wrapped
from gateway.compose.words import Words
from gateway.document import Result

DAYS = 2
"""Earlier days that a table of 78 columns has room for."""

Row = tuple[str, ...]
_MOST = (30, 16, 12, 18, 6, 10, 10)
"""Widest columns: with their gaps of two blanks they need more than the line has, so labels give way first."""
_LEAST_LABEL = 16


def table(results: Sequence[Result], words: Words, before: History = NOTHING) -> list[str]:
    """Heading, rule, rows, notes under their row, and what the marks mean when there is one."""
    head = (*words.columns, *(day.short for day in before.days))
    cells = [_rows(result, before) for result in results]
    widths = _widths([head, *(row for rows in cells for row in rows)])
    if _wide(widths) > WIDTH and len(before.days) > 1:
        return table(results, words, before.newest(len(before.days) - 1))
    usual = usual_moment(results)
    lines = [*_line(head, widths, head), "-" * min(WIDTH, _wide(widths))]
    for result, rows in zip(results, cells, strict=True):
        if is_title(result):
            lines += ["", *wrapped(rows[0][0])]
        else:
            lines += [line for row in rows for line in _line(row, widths, head)]
        for note in notes_of(result, words, usual):
            lines += [piece for line in visible(note).split("\n") for piece in wrapped(f"    {line.strip()}")]
    return lines + legend(results, words, before)


def summary(results: Sequence[Result], words: Words, before: History = NOTHING) -> list[str]:
    """The marked results, one to a line, for the top of the letter; then what is not final, corrected, withdrawn."""
    marked = out_of_range(results)
    lines = [f"{words.out_of_range} :", *marked_lines(marked, before)] if marked else []
    return lines + [piece for line in reserves(results, words) for piece in wrapped(line)]


def marked_lines(marked: Sequence[Result], before: History) -> list[str]:
    """Label, value, limits, mark and the value of before, a line for each result."""
    lines: list[str] = []
    for result in marked:
        limits = range_of(result)
        said = f"{one_line(result.label)} : {value_of(result)} {one_line(result.unit)}".rstrip()
        last = before.latest(result)
        known = f"  [{last[1].short} : {value_of(last[0])}]" if last else ""
        lines += wrapped(f"  {said}" + (f" ({limits})" if limits else "") + f"  {mark_of(result)}{known}")
    return lines


def reserves(results: Sequence[Result], words: Words) -> list[str]:
    """Which results may still change, have changed, or do not count any more: nobody may find it out at the bottom."""
    kinds = (
        (words.not_validated, is_unfinished),
        (words.corrected, is_corrected),
        (words.withdrawn, is_withdrawn),
    )
    named = (
        (title, [one_line(result.label) for result in results if is_so(result) and result.label.strip()])
        for title, is_so in kinds
    )
    return [f"{title.capitalize()} : {', '.join(labels)}" for title, labels in named if labels]


def legend(results: Sequence[Result], words: Words, before: History = NOTHING) -> list[str]:
    """One line for each kind of mark that stands in the table."""
    marks = {mark_of(result) for result in results}
    lines = [words.legend] if any(mark and mark[0] != "(" for mark in marks) else []
    lines += [words.legend_computed] if any(mark.startswith("(") for mark in marks) else []
    lines += wrapped(words.legend_earlier) if before else []
    return ["", *lines] if lines else []


def earlier_cell(result: Result | None) -> str:
    """A value of an earlier day with its mark."""
    return "" if result is None else f"{value_of(result)} {mark_of(result)}".strip()


def _rows(result: Result, before: History) -> list[Row]:
    label, value = one_line(result.label), value_of(result)
    known = tuple(earlier_cell(one) for one in before.of(result))
    rows: list[Row] = [(label, value, one_line(result.unit), range_of(result), mark_of(result), *known)]
    if result.second is not None:
        second = result.second
        rows.append(("", one_line(second.value), one_line(second.unit), range_of(second), "", *("" for _ in known)))
    return rows


def _widths(rows: Sequence[Row]) -> list[int]:
    """As wide as the widest cell that a column takes; a wider one goes on lines of its own."""
    columns = zip(zip(*rows, strict=True), _MOST, strict=False)
    widths = [max((len(cell) for cell in column if len(cell) <= most), default=0) for column, most in columns]
    widths[0] = max(widths[0], min(_LEAST_LABEL, max(len(row[0]) for row in rows)))
    return [max(min(_LEAST_LABEL, widths[0]), widths[0] - max(0, _wide(widths) - WIDTH)), *widths[1:]]


def _wide(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _line(row: Row, widths: list[int], head: Row) -> list[str]:
    """One row; a label or a value too wide for its column takes lines of its own, nothing is cut off."""
    label = row[0]
    before: list[str] = []
    if len(label) > widths[0]:
        *before, label = wrapped(label, widths[0]) if " " in label else (label, "")
    others = (cell.ljust(width) for cell, width in zip(row[2:], widths[2:], strict=True))
    line = "  ".join((label.ljust(widths[0]), row[1].rjust(widths[1]), *others)).rstrip()
    if len(line) <= WIDTH:
        return [*before, line]
    known = (f"[{day} : {value}]" for day, value in zip(head[5:], row[5:], strict=True) if value)
    rest = "  ".join(filter(None, (*row[1:5], *known)))
    return [*before, *wrapped(label), *wrapped(f"    {rest}")]
