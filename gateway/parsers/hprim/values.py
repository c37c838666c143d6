"""Values as laboratories write them: comparators, glued units, commas, asterisks, two limits in one field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = r"[+-]?\d+(?:[.,]\d+)?"
_PLAIN = re.compile(_NUMBER)
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_QUANTITY = re.compile(
    rf"(?P<comparator><=|>=|[<>≤≥])?\s*(?P<value>{_NUMBER})(?:\s+(?P<unit>[A-Za-zµ%°][\w%/µ.^²³°]{{0,19}}))?"
)
_INTERVAL = re.compile(rf"(?:vr\s*:\s*)?({_NUMBER})\s*(?:-|\b[aà]\b)\s*({_NUMBER})", re.IGNORECASE)
_COMPARATORS = {"≤": "<=", "≥": ">="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A value with its comparator apart, when the whole text was that; else the text as it stood."""

    value: str = field(repr=False)
    comparator: str | None = None
    unit: str = ""
    numeric: bool = False
    highlighted: bool = False


def point(text: str) -> str:
    """The text with a decimal comma as a point, when it is a number or a comparator and a number; else unchanged."""
    found = _QUANTITY.fullmatch(text.strip())
    return _COMMA.sub(".", text) if found and not found["unit"] else text


def quantity(text: str, unit: str, *, numeric: bool) -> Quantity:
    """Read a value; a unit glued to it counts only where the unit's own field is empty or says the same.

    ``numeric`` says that the sender declared a number: only then is a text of digits alone one (an antigen or a
    code may be written with digits).
    """
    stripped = text.strip("* \t\u00a0")
    found = _QUANTITY.fullmatch(stripped)
    highlighted = "*" in text and bool(stripped) and not text.strip("* ").count("*")
    if found is None or (found["unit"] and unit not in {"", found["unit"]}):
        return Quantity(value=stripped if highlighted else text, unit=unit, highlighted=highlighted)
    comparator = found["comparator"]
    return Quantity(
        value=_COMMA.sub(".", found["value"]),
        comparator=_COMPARATORS.get(comparator, comparator) if comparator else None,
        unit=unit or found["unit"] or "",
        numeric=numeric or bool(comparator),
        highlighted=highlighted,
    )


def interval(low: str, high: str) -> tuple[str, str]:
    """Both limits; one field that holds ``low-high`` (or ``-2 - 2``) is taken apart when the other is empty."""
    found = None if high else _INTERVAL.fullmatch(low.strip())
    return (point(found[1]), point(found[2])) if found else (point(low), point(high))


def is_number(text: str) -> bool:
    """Whether the text is a plain decimal number."""
    return bool(_PLAIN.fullmatch(text.strip()))
