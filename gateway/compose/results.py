"""Reading one result the way a reader sees it: value, range and mark; pure and in one place for text, HPRIM and PDF."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from gateway.compose.dispatch import moment
from gateway.compose.text import one_line
from gateway.compose.words import Words
from gateway.document import Measure, Result

NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_ALERT = {"LL", "HH", "AA", "<", ">"}
_ARROWS = {"L": "↓", "LL": "↓↓", "<": "↓↓", "H": "↑", "HH": "↑↑", ">": "↑↑"}
_WITHDRAWN = frozenset({"D", "X", "W"})
"""HL7 table 0085 and HPRIM Santé table 30: deleted, cancelled, wrong."""
_FINAL = frozenset({"", "F", "U", "C"})
_SILENT = frozenset({"", "N"})


def is_title(result: Result) -> bool:
    """A line that has a label and nothing else to say; a result that is still to come has a unit or limits."""
    return is_bare(result) and not result.flag.strip()


def is_bare(result: Result) -> bool:
    """A line without value, unit and limits: at most a flag."""
    said = (result.value, result.unit, result.low, result.high, result.comparator or "")
    return result.second is None and not any(text.strip() for text in said)


def is_corrected(result: Result) -> bool:
    """Whether it replaces a value that was sent before."""
    return result.status.upper() == "C"


def is_unfinished(result: Result) -> bool:
    """Whether the sender has not validated it yet."""
    return not is_withdrawn(result) and result.status.upper() not in _FINAL


def is_withdrawn(result: Result) -> bool:
    """A result that the laboratory took back: its value may not be read as a result."""
    return result.status.upper() in _WITHDRAWN


def value_of(result: Result) -> str:
    """The value with its comparator, as it was sent."""
    comparator = result.comparator or ""
    value = one_line(result.value)
    return f"{comparator} {value}" if comparator and not value.startswith(comparator) else value


def range_of(measure: Result | Measure) -> str:
    """``low - high``, or the one limit there is."""
    low, high = one_line(measure.low), one_line(measure.high)
    if low and high:
        return f"{low} - {high}"
    if high:
        return high if high[0] in "<≤" else f"< {high}"
    return low if not low or low[0] in ">≥" else f"> {low}"


def mark_of(result: Result) -> str:
    """The sender's flag, ``!!`` before one that means alert; ``(L)`` or ``(H)`` when only our comparison says so."""
    flag = result.flag.strip().upper()
    if flag not in _SILENT:
        return f"!! {flag}" if flag in _ALERT else flag
    return "" if flag or is_withdrawn(result) else _compared(result)


def arrow_of(result: Result) -> str:
    """Which way a mark points, for pages: one arrow, two beyond the alert; in brackets when we compared."""
    mark = mark_of(result)
    arrow = _ARROWS.get(mark.removeprefix("!! ").strip("()"), "")
    return f"({arrow})" if arrow and mark.startswith("(") else arrow


def usual_moment(results: Iterable[Result]) -> datetime | None:
    """When most of the results were observed; the others say their own moment."""
    counted = Counter(result.observed_at for result in results if result.observed_at is not None)
    return counted.most_common(1)[0][0] if counted else None


def notes_of(result: Result, words: Words, usual: datetime | None) -> list[str]:
    """What else must be read with the value: another moment, that it is not final, or was changed, and the comment."""
    own = result.observed_at
    notes = [f"{words.observed} {moment(own)}"] if own is not None and own != usual else []
    if is_withdrawn(result):
        notes.append(words.withdrawn)
    elif is_corrected(result):
        notes.append(words.corrected)
    elif is_unfinished(result):
        notes.append(words.not_validated)
    if result.comment.strip():
        notes.append(result.comment)
    return notes


def out_of_range(results: Iterable[Result]) -> list[Result]:
    """The results that carry a mark."""
    return [result for result in results if mark_of(result) and not is_withdrawn(result)]


def _compared(result: Result) -> str:
    # Shown beside, never instead of, what the laboratory says (hprim.md §1.7); a value with "<" is not compared.
    if result.comparator or not NUMBER.fullmatch(result.value.strip()):
        return ""
    value = Decimal(result.value.strip())
    low, high = result.low.strip(), result.high.strip()
    if NUMBER.fullmatch(low) and value < Decimal(low):
        return "(L)"
    return "(H)" if NUMBER.fullmatch(high) and value > Decimal(high) else ""
