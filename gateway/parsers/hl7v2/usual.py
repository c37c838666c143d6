"""The usual OBX, a number with its unit and its range, read in one look: nine results in ten are such."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import astuple
from datetime import datetime
from functools import lru_cache

from gateway.document import Result
from gateway.parsers.hl7v2.er7 import Message
from gateway.parsers.hl7v2.escapes import Delimiters
from gateway.parsers.quick import quick_result

FLAGS = frozenset(
    {
        *("L", "LL", "LU", "<", "H", "HH", "HU", ">", "N", "A", "AA", "U", "D", "B", "W"),
        *("S", "R", "I", "MS", "VS", "SDD", "NS", "POS", "NEG", "IND", "DET", "ND", "AC", "TOX", "QCF", "WR", "RR"),
        "NR",
    }
)
"""OBX-8, table 0078."""

FINAL = frozenset({"", "F", "C", "N", "U", "V", "A", "B"})
"""OBX-11, table 0085, of results that count; an empty one says nothing."""

_NO_FLAG_OR_ONE = FLAGS | {""}
_DIGITS = r"[0-9]+(?:\.[0-9]+)?"
_BOUNDS = rf"({_DIGITS}) ?- ?({_DIGITS})"
_METHOD, _LABORATORY = 17 - 14, 23 - 14
"""Counted from OBX-14."""


class UsualResults:
    """The results of a message that need no care; the others are for :func:`results.read_result`.

    A test holds what both give against each other.
    """

    def __init__(self, message: Message) -> None:
        self._lines = message.plain_lines(b"OBX")
        self._mark = message.delimiters.field
        self._match = _pattern(message.delimiters).match
        self._silent = {""}
        """What stood behind OBX-14 and says nothing of the result: most have the same there."""

    def result(self, index: int, moment: Callable[[str], datetime | None]) -> Result | None:
        """The result of that segment of the message, ``None`` where anything needs care; ``moment`` reads OBX-14."""
        found = self._match(self._lines.get(index, ""))
        if found is None:
            return None
        code, label, value, unit, low, high, flag, status, observed, more = found.groups("")
        label, unit = label.strip(), unit.strip()
        if not label or not unit or flag not in _NO_FLAG_OR_ONE or status not in FINAL:
            return None
        if more not in self._silent and self._says(more):
            return None
        return quick_result(
            label=label,
            code=code.strip(),
            value=value,
            comparator=None,
            unit=unit,
            low=low,
            high=high,
            flag=flag,
            status=status,
            numeric=True,
            observed_at=moment(observed),
        )

    def _says(self, more: str) -> bool:
        """Whether the fields behind OBX-14 name a method or a laboratory."""
        fields = more.split(self._mark)
        if any([*fields[_METHOD : _METHOD + 1], *fields[_LABORATORY : _LABORATORY + 1]]):
            return True
        self._silent.add(more)
        return False


@lru_cache(maxsize=16)
def _pattern(marks: Delimiters) -> re.Pattern[str]:
    """Fields 2 to 14; matches nothing where a mark may stand in a number, or ``10^9`` in two components of a unit."""
    if not {".", "-"}.isdisjoint(astuple(marks)):
        return re.compile(r"(?!)")
    mark, component = re.escape(marks.field), re.escape(marks.component)
    whole, first = f"[^{mark}]*", f"([^{mark}{component}]+)[^{mark}]*"
    name = f"([^{mark}{component}]*){component}{first}"
    unit = rf"(?!\s*[x×*.]?\s?10\s*{component}){first}"
    known = ("OBX", whole, "NM", name, whole, f"(-?{_DIGITS})", unit, _BOUNDS, f"({whole})", whole, whole, f"({whole})")
    observed = mark.join(("", whole, whole, f"([^{mark}{component}]*){whole}"))
    return re.compile(rf"{mark.join(known)}(?:{observed}(.*)|(?:{mark}{whole}){{0,2}})\Z")
