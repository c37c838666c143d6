"""Whether a filter means an entry: true, false, or undefined (``None``), as RFC 4511 §4.5.1.7 has it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from directory.fold import fold
from gateway.faces.ldap.entry import Entry
from gateway.faces.ldap.requests import And, Approx, Equal, Filter, Not, Or, Present, Substrings, Undefined
from gateway.faces.ldap.schema import Attribute, Rule, attribute_of


def matches(entry: Entry, wanted: Filter) -> bool | None:
    """Three values: an attribute that the schema does not have leaves its assertion undefined."""
    match wanted:
        case And(parts):
            return _all(matches(entry, part) for part in parts)
        case Or(parts):
            inverted = _all(_not(matches(entry, part)) for part in parts)
            return _not(inverted)
        case Not(part):
            return _not(matches(entry, part))
        case Undefined():
            return None
        case Present(description) | Equal(description) | Approx(description) | Substrings(description):
            attribute = attribute_of(description)
            return None if attribute is None else _asserted(entry, attribute, wanted)
        case _:
            assert_never(wanted)


def _asserted(entry: Entry, attribute: Attribute, wanted: Present | Equal | Approx | Substrings) -> bool | None:
    values = entry.values.get(attribute.name, ())
    if isinstance(wanted, Present):
        return bool(values)
    if attribute.rule is Rule.NONE:
        return None
    texts = [value for value in values if isinstance(value, str)]
    if isinstance(wanted, Approx):
        return any(_resembles(text, wanted.value) for text in texts)
    alike = fold if attribute.rule is Rule.WORDS else str.casefold
    if isinstance(wanted, Equal):
        return any(alike(text) == alike(wanted.value) for text in texts)
    before = " " if attribute.rule is Rule.WORDS else ""
    return any(holds(before + alike(text), wanted, before) for text in texts)


def holds(text: str, wanted: Substrings, before: str = "") -> bool:
    """Whether the pieces stand in a folded text in their order, without overlap; each begins after ``before``."""
    alike = fold if before else str.casefold
    initial, *inner = (before + alike(piece) if alike(piece) else "" for piece in (wanted.initial, *wanted.inner))
    final = before + alike(wanted.final) if alike(wanted.final) else ""
    if not text.startswith(initial) or not text.endswith(final):
        return False
    place, end = len(initial), len(text) - len(final)
    for piece in inner:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return place <= end


def _resembles(text: str, wanted: str) -> bool:
    words, asked = fold(text).split(), fold(wanted).split()
    return bool(asked) and all(any(word.startswith(one) for word in words) for one in asked)


def _all(values: Iterable[bool | None]) -> bool | None:
    """False when one is, else undefined when one is; of none, true."""
    found = list(values)
    if False in found:
        return False
    return None if None in found else True


def _not(value: bool | None) -> bool | None:  # noqa: FBT001  three values are the point
    return None if value is None else not value
