"""The value of an OBX by the type that OBX-2 states: comparator, text as sent, and whether it is a number."""

from __future__ import annotations

import re

from gateway.document import Finding
from gateway.parsers.hl7v2.er7 import Segment
from gateway.parsers.hl7v2.ranges import NUMBER
from gateway.parsers.remarks import note, warning

Value = tuple[str | None, str, bool]
"""Comparator, value, whether it is a number."""

LONG_TEXT = frozenset({"TX", "FT"})
_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_NUMERIC = re.compile(rf"(<=|>=|=<|=>|<|>|≤|≥)?\s*({NUMBER})")
_TURNED = {"=<": "<=", "=>": ">="}
_STRUCTURED = frozenset({"<", ">", "<=", ">=", "<>"})
"""Comparators of SN-1; ``=`` says nothing."""


def read_value(obx: Segment, kind: str, findings: list[Finding]) -> Value:
    """What OBX-5 says; a decimal comma becomes a point in numbers, all else is as sent, a repetition a line each."""
    raw = obx.raw_field(5)
    if not raw:
        return None, "", False
    if kind == "NM":
        return _numeric(obx, _whole(obx, raw), findings)
    if kind == "SN":
        return _structured(obx)
    if kind in _CODED:
        return None, "\n".join(coded(obx, 5)), False
    if kind in LONG_TEXT:
        return None, "\n".join(element.lines for element in obx.elements(5)), False
    return None, _whole(obx, raw), False


def as_number(obx: Segment, text: str, findings: list[Finding]) -> Value:
    """A value typed as text that is a number all the same: many laboratories send each result as ST."""
    return _numeric(obx, text, findings) if _NUMERIC.fullmatch(text) else (None, text, False)


def coded(segment: Segment, number: int) -> list[str]:
    """The words of each repetition of a coded field: its text, the alternative or original text, else the code."""
    message = segment.message
    repetitions = (message.leaves(element.raw) for element in segment.elements(number))
    return [name_of(parts) for parts in repetitions]


def name_of(parts: list[str]) -> str:
    """The words of a coded element (CE, CWE) out of its components."""
    count = len(parts)
    text = parts[1] if count > 1 else ""
    return text or (parts[4] if count > 4 else "") or (parts[8] if count > 8 else "") or (parts[0] if parts else "")


def _whole(obx: Segment, raw: str) -> str:
    if obx.message.delimiters.repetition not in raw:
        return obx.text(5)
    return "\n".join(element.text for element in obx.elements(5))


def _numeric(obx: Segment, text: str, findings: list[Finding]) -> Value:
    found = _NUMERIC.fullmatch(text)
    if found is None:
        if text:
            words = "typed NM but not a number; it is passed on as text: send it as ST or SN"
            findings.append(warning("nm-not-a-number", obx.place(5), words))
        return None, text, False
    comparator, value = found.groups()
    if "," in value:
        findings.append(note("decimal-comma", obx.place(5), "a decimal comma was read as a point", text))
        value = value.replace(",", ".")
    return _TURNED.get(comparator, comparator), value, True


def _structured(obx: Segment) -> Value:
    """SN: comparator, number, separator or suffix, number (``^1^:^128``, ``^2^-^4``, ``^3^+``, ``>^100``)."""
    elements = obx.elements(5)
    found = [_one_structured(element.get(1), [element.get(part) for part in (2, 3, 4)]) for element in elements]
    if len(found) == 1:
        return found[0]
    return None, "\n".join(f"{comparator or ''}{value}" for comparator, value, _ in found), False


def _one_structured(comparator: str, parts: list[str]) -> Value:
    first, separator, second = (part.replace(",", ".") for part in parts)
    is_number = not separator and not second and re.fullmatch(NUMBER, first) is not None
    if comparator in _STRUCTURED or not comparator:
        return comparator or None, f"{first}{separator}{second}", is_number
    if comparator == "=":
        return None, f"{first}{separator}{second}", is_number
    # Not a comparator of HL7: what was written there stays in front of the number.
    return None, f"{comparator}{first}{separator}{second}", False
