"""Results as a table that lines up in any mail window: label, value, unit, range, mark; no colour."""

from __future__ import annotations

from gateway.compose.results import is_title, mark_of, notes_of, out_of_range, range_of, value_of
from gateway.compose.text import WIDTH, one_line, visible, wrapped
from gateway.compose.words import Words
from gateway.document import Result

Row = tuple[str, str, str, str, str]
_MOST = (30, 16, 12, 18, 6)
"""Widest columns; with four gaps of two blanks they need 90, so labels give way first."""
_LEAST_LABEL = 16


def table(results: tuple[Result, ...], words: Words) -> list[str]:
    """Heading, rule, rows, notes under their row, and what the marks mean when there is one."""
    cells = [_rows(result) for result in results]
    widths = _widths([words.columns, *(row for rows in cells for row in rows)])
    lines = [*_line(words.columns, widths), "-" * (sum(widths) + 8)]
    for result, rows in zip(results, cells, strict=True):
        if is_title(result) and not result.status:
            lines += ["", *wrapped(rows[0][0])]
        else:
            lines += [line for row in rows for line in _line(row, widths)]
        for note in notes_of(result, words):
            lines += [piece for line in visible(note).split("\n") for piece in wrapped(f"    {line.strip()}")]
    return lines + legend(results, words)


def summary(results: tuple[Result, ...], words: Words) -> list[str]:
    """The marked results, one to a line, for the top of the letter."""
    marked = out_of_range(results)
    if not marked:
        return []
    lines = [f"{words.out_of_range} :"]
    for result in marked:
        limits = range_of(result)
        said = f"{one_line(result.label)} : {value_of(result)} {one_line(result.unit)}".rstrip()
        lines += wrapped(f"  {said}" + (f" ({limits})" if limits else "") + f"  {mark_of(result)}")
    return lines


def legend(results: tuple[Result, ...], words: Words) -> list[str]:
    """One line for each kind of mark that stands in the table."""
    marks = {mark_of(result) for result in results}
    lines = [words.legend] if any(mark and mark[0] != "(" for mark in marks) else []
    lines += [words.legend_computed] if any(mark.startswith("(") for mark in marks) else []
    return ["", *lines] if lines else []


def _rows(result: Result) -> list[Row]:
    label, value = one_line(result.label), value_of(result)
    rows = [(label, value, one_line(result.unit), range_of(result), mark_of(result))]
    if result.second is not None:
        second = result.second
        rows.append(("", one_line(second.value), one_line(second.unit), range_of(second), ""))
    return rows


def _widths(rows: list[Row]) -> list[int]:
    widths = [min(max((len(row[column]) for row in rows), default=0), most) for column, most in enumerate(_MOST)]
    over = sum(widths) + 8 - WIDTH
    if over > 0:
        widths[0] = max(_LEAST_LABEL, widths[0] - over)
    return widths


def _line(row: Row, widths: list[int]) -> list[str]:
    """One row; a label or a value too wide for its column takes lines of its own, nothing is cut off."""
    label, value, unit, limits, mark = row
    before: list[str] = []
    if len(label) > widths[0]:
        *before, label = wrapped(label, widths[0]) if " " in label else (label, "")
    cells = (value.rjust(widths[1]), unit.ljust(widths[2]), limits.ljust(widths[3]), mark)
    line = "  ".join((label.ljust(widths[0]), *cells)).rstrip()
    if len(line) <= WIDTH:
        return [*before, line]
    rest = "  ".join(filter(None, (value, unit, limits, mark)))
    return [*before, *wrapped(label), *wrapped(f"    {rest}")]
