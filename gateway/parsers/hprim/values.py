"""Values as laboratories write them: comparators, glued units, commas, asterisks, two limits in one field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+)?"
_PLAIN = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")
_QUANTITY = re.compile(
    rf"(?P<comparator><=|>=|[<>≤≥])?\s*(?P<value>{_NUMBER})(?:\s+(?P<unit>[A-Za-zµ%°][\w%/µ.^²³°]{{0,19}}))?"
)
_INTERVAL = re.compile(rf"(?:vr\s*:\s*)?({_NUMBER})\s*(?:-|\b[aà]\b)\s*({_NUMBER})", re.IGNORECASE)
_BELOW = re.compile(rf"(?:<=|<|≤)\s*({_NUMBER})")
_ABOVE = re.compile(rf"(?:>=|>|≥)\s*({_NUMBER})")
COMPARATORS = {"≤": "<=", "≥": ">="}
"""What a sign is written as in a document."""


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
    if "," not in text:
        return text
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
        comparator=COMPARATORS.get(comparator, comparator) if comparator else None,
        unit=unit or found["unit"] or "",
        numeric=numeric or bool(comparator),
        highlighted=highlighted,
    )


def interval(low: str, high: str) -> tuple[str, str]:
    """Both limits; one field that holds ``low-high`` (or ``-2 - 2``), ``<5`` or ``>60`` is taken as what it says."""
    if is_limit(low) and is_limit(high):
        return low, high
    if not high and (found := _INTERVAL.fullmatch(low.strip())):
        return point(found[1]), point(found[2])
    if not high and (found := _BELOW.fullmatch(low.strip())):
        return "", point(found[1])
    above, below = _ABOVE.fullmatch(low.strip()), _BELOW.fullmatch(high.strip())
    return point(above[1] if above else low), point(below[1] if below else high)


def is_limit(text: str) -> bool:
    """Whether a limit is a number, or was not sent."""
    return not text or _PLAIN.fullmatch(text) is not None
