"""The thin ER7 reader: a message split only as far as somebody asks (HL7 v2.5 chapter 2; design.md, decision 9).

Splitting comes before unescaping, so an escaped separator or carriage return stays text wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.parsers.hl7v2.escapes import unescape

_LONG = 2_000
_MAX_FIELDS = 80
_MAX_REPETITIONS = 500
_MAX_COMPONENTS = 40
_REPEATED = frozenset({b"OBX", b"PRT", b"NTE", b"ROL", b"OBR", b"ORC"})
"""Segments that a place names with their number: ``OBX[2]-5``."""


def split(raw: bytes, separator: bytes, limit: int) -> list[bytes]:
    """``raw.split(separator, limit)``; over a long document ``find`` is thirty times faster than CPython's split."""
    if len(raw) < _LONG:
        return raw.split(separator, limit)
    parts: list[bytes] = []
    start = 0
    while len(parts) < limit and (end := raw.find(separator, start)) >= 0:
        parts.append(raw[start:end])
        start = end + len(separator)
    parts.append(raw[start:])
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """MSH-1 and MSH-2: one byte each."""

    field: bytes
    component: bytes
    repetition: bytes
    escape: bytes
    sub: bytes


@dataclass(frozen=True, slots=True)
class Element:
    """One repetition of a field; components and sub-components count from 1 as in the standard."""

    raw: bytes = field(repr=False)
    message: Message = field(repr=False, compare=False)

    def component(self, number: int) -> bytes:
        """The raw component, empty when absent."""
        return self.message.part(self.raw, number)

    def get(self, component: int = 1, sub: int = 1) -> str:
        """The text of a sub-component, unescaped; HL7's explicit empty value ``""`` is empty."""
        return self.message.leaf(self.raw, component, sub)

    @property
    def text(self) -> str:
        """The whole repetition as text: for types without components (TX, ST, FT), where separators are content."""
        return self.message.text(self.raw)

    def __bool__(self) -> bool:
        """Whether it holds anything but separators and the explicit empty value."""
        return bool(self.raw.lstrip(self.message.separators))


class Segment:
    """One segment, split into fields when first asked; an absent one answers every question with nothing."""

    __slots__ = ("_fields", "message", "name", "number", "raw")

    def __init__(self, raw: bytes, name: bytes, number: int, message: Message) -> None:
        self.raw = raw
        self.name = name
        self.number = number
        self.message = message
        self._fields: list[bytes] | None = None

    def fields(self) -> list[bytes]:
        """Raw fields; index is the field's number (MSH-1 is the separator itself)."""
        if self._fields is None:
            separator = self.message.delimiters.field
            parts = split(self.raw, separator, _MAX_FIELDS)
            self._fields = [parts[0], separator, *parts[1:]] if self.name == b"MSH" else parts
        return self._fields

    def raw_field(self, number: int) -> bytes:
        """The raw field, empty when absent."""
        parts = self.fields()
        return parts[number] if number < len(parts) else b""

    def element(self, number: int) -> Element:
        """The first repetition of a field."""
        return Element(self._first(self.raw_field(number)), self.message)

    def elements(self, number: int) -> list[Element]:
        """The repetitions of a field that hold something."""
        raw = self.raw_field(number)
        if not raw:
            return []
        raws = split(raw, self.message.delimiters.repetition, _MAX_REPETITIONS)
        return [element for raw in raws if (element := Element(raw, self.message))]

    def get(self, number: int, component: int = 1, sub: int = 1) -> str:
        """The text of the first repetition's sub-component; empty when absent."""
        raw = self.raw_field(number)
        return self.message.leaf(self._first(raw), component, sub) if raw else ""

    def place(self, number: int) -> str:
        """How a finding names a field: ``PV1-19``, ``OBX[2]-5``."""
        name = self.name.decode("ascii")
        return f"{name}[{self.number}]-{number}" if self.name in _REPEATED else f"{name}-{number}"

    def _first(self, raw: bytes) -> bytes:
        end = raw.find(self.message.delimiters.repetition)
        return raw if end < 0 else raw[:end]

    def __bool__(self) -> bool:
        """Whether the message has it."""
        return bool(self.raw)


class Message:
    """The segments of one message in their order, and how to read their text."""

    __slots__ = ("_named", "_segments", "codec", "content", "delimiters", "lines", "separators")

    def __init__(self, delimiters: Delimiters, lines: Sequence[bytes], codec: str, content: bytes) -> None:
        self.delimiters = delimiters
        self.lines = tuple(lines)
        self.codec = codec
        self.content = content
        self.separators = delimiters.component + delimiters.sub + delimiters.repetition + b'" '
        """All that an empty field may hold: component, sub-component and repetition marks, quotes, blanks."""
        self._named: dict[bytes, list[Segment]] = {}
        self._segments = [self._numbered(line) for line in self.lines]

    def _numbered(self, line: bytes) -> Segment:
        same = self._named.setdefault(line[:3], [])
        same.append(Segment(line, line[:3], len(same) + 1, self))
        return same[-1]

    def part(self, raw: bytes, number: int) -> bytes:
        """The raw component of a repetition, empty when absent."""
        separator = self.delimiters.component
        if separator not in raw:
            return raw if number == 1 else b""
        parts = split(raw, separator, _MAX_COMPONENTS)
        return parts[number - 1] if number <= len(parts) else b""

    def leaf(self, raw: bytes, component: int, sub: int) -> str:
        """The text of a sub-component of a repetition, empty when absent."""
        raw = self.part(raw, component)
        separator = self.delimiters.sub
        if separator in raw:
            parts = raw.split(separator, _MAX_COMPONENTS)
            raw = parts[sub - 1] if sub <= len(parts) else b""
        elif sub > 1:
            return ""
        return self.text(raw)

    def text(self, raw: bytes) -> str:
        """Bytes of the message as text, unescaped; ``""`` is empty."""
        if not raw or raw == b'""':
            return ""
        words = raw.decode(self.codec, "replace")
        if self.delimiters.escape in raw:
            words = unescape(words, self.delimiters, self.codec)
        return words.strip()

    def segments(self) -> Sequence[Segment]:
        """All segments, numbered by name."""
        return self._segments

    def all(self, name: bytes) -> Sequence[Segment]:
        """The segments called ``name``."""
        return self._named.get(name, ())

    def first(self, name: bytes) -> Segment:
        """The first segment called ``name``, or an absent one."""
        found = self._named.get(name)
        return found[0] if found else Segment(b"", name, 1, self)
