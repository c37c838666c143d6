"""Reference ranges of OBX-7, which is free text with a few usual shapes (HL7 v2.5 §7.4.2.7; senders add their own)."""

from __future__ import annotations

import re

NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)"
_BELOW = r"<=|=<|<|≤|<\s?ou\s?=|(?i:inf(?:\.|érieure?s?|erieure?s?)?(?:\s(?:à|a))?|jusqu['’]à|max(?:\.|imum)?)"
_ABOVE = r">=|=>|>|≥|>\s?ou\s?=|(?i:sup(?:\.|érieure?s?|erieure?s?)?(?:\s(?:à|a))?|à partir de|min(?:\.|imum)?)"
_BETWEEN = r"-|–|—|−|\.\.|;|\^|(?i:à|a|to|et)"

_RANGE = re.compile(rf"(?:(?i:entre|de)\s)?\s*({NUMBER})\s*(?:{_BETWEEN})\s*({NUMBER})")
_UPPER = re.compile(rf"(?:{_BELOW})\s*({NUMBER})")
_LOWER = re.compile(rf"(?:{_ABOVE})\s*({NUMBER})|({NUMBER})\s*(?:-|–|\^)")


def read_range(words: str, unit: str) -> tuple[str, str, str]:
    """Low, high, and the words of a reference that is no range; a decimal comma becomes a point.

    ``12-16``, ``12,0 – 16``, ``[12 ; 16]``, ``de 12 à 16 g/dL``, ``12^16``, ``< 5``, ``inf. à 5``, ``>= 60``, ``60 -``.
    A range that has the result's unit in it is one all the same; ``-5`` may be either and stays words.
    """
    if not words:
        return "", "", ""
    if found := _RANGE.fullmatch(words):
        return _point(found[1]), _point(found[2]), ""
    bare = words.replace(unit, " ") if unit and not unit.isdigit() else words
    bare = bare.strip("[]() ")
    if found := _RANGE.fullmatch(bare):
        return _point(found[1]), _point(found[2]), ""
    if found := _UPPER.fullmatch(bare):
        return "", _point(found[1]), ""
    if found := _LOWER.fullmatch(bare):
        return _point(found[1] or found[2]), "", ""
    return "", "", words


def _point(number: str) -> str:
    return number.replace(",", ".")
