"""Do entries and narrative say the same? A person reads the table, software the entry: a difference is told.

CDA R2 §4.3.5: the narrative is what was signed. Only what can be compared without guessing is: numbers, and positive
against negative.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from lxml import etree

from gateway.document import Result
from gateway.parsers.cda.values import is_number

_NUMBER = re.compile(r"[0-9]{1,30}(?:[.,][0-9]{1,30})?")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+(?![0-9])(?:[.,][0-9]{1,30})?")
_BLANKS = re.compile(r"[ \u00a0\u202f]")
_NEGATIVE = re.compile(r"\b(?:negati(?:f|ve)s?|absen(?:ce|te?s?)|non (?:detecte|retrouve|reactif)e?s?)\b")
_POSITIVE = re.compile(r"\b(?:positi(?:f|ve)s?|presen(?:ce|te?s?)|(?<!non )(?:detecte|retrouve|reactif)e?s?)\b")
_LONGEST = 100_000
_SIDES = ((_POSITIVE, _NEGATIVE), (_NEGATIVE, _POSITIVE))


class Narrative:
    """The words that a person reads where a result stands, taken apart once for all results of a section."""

    def __init__(self, section: etree._Element | None) -> None:
        """``section`` is the ``text`` of the section; ``None`` when it has none, then nothing is compared."""
        self._section = section
        self._seen: dict[etree._Element, tuple[str, frozenset[Decimal]]] = {}

    def contradicts(self, result: Result, row: etree._Element | None) -> bool:
        """Whether the row of the result, else the whole section, has another value and not this one."""
        where = row if row is not None and self._says_something(row, result) else self._section
        if where is None or not result.value:
            return False
        text, numbers = self._read(where)
        if result.numeric and is_number(result.value):
            return bool(numbers) and abs(Decimal(result.value)) not in numbers
        return row is not None and _opposed(_folded(result.value), text)

    def _says_something(self, row: etree._Element, result: Result) -> bool:
        """A row that only names the examination has its value in another one."""
        return bool(self._read(row)[1]) or not result.numeric

    def _read(self, element: etree._Element) -> tuple[str, frozenset[Decimal]]:
        if element not in self._seen:
            # Joined by a blank: neighbouring cells are no one word.
            text = " ".join(map(str, element.itertext()))[:_LONGEST]
            self._seen[element] = (_folded(text), _numbers(text))
        return self._seen[element]


def _numbers(text: str) -> frozenset[Decimal]:
    """All numbers as a French table may write them: decimal comma, blanks between thousands."""
    found = [*_NUMBER.findall(text), *(_BLANKS.sub("", one) for one in _THOUSANDS.findall(text))]
    return frozenset(Decimal(one.replace(",", ".")) for one in found)


def _opposed(value: str, text: str) -> bool:
    """One says positive alone, the other negative alone."""
    return any(
        mine.search(value) and not other.search(value) and other.search(text) and not mine.search(text)
        for mine, other in _SIDES
    )


def _folded(text: str) -> str:
    bare = unicodedata.normalize("NFD", text.lower())
    return " ".join("".join(sign for sign in bare if not unicodedata.combining(sign)).split())
