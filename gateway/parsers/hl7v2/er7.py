"""The thin ER7 reader: a message split only as far as somebody asks (HL7 v2.5 chapter 2; design.md, decision 9).

Splitting comes before unescaping, so an escaped separator or carriage return stays text wherever it stands.
"""

from __future__ import annotations

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
        parts = split(self.raw, self.message.delimiters.component, _MAX_COMPONENTS)
        return parts[number - 1] if number <= len(parts) else b""

    def get(self, component: int = 1, sub: int = 1) -> str:
        """The text of a sub-component, unescaped; HL7's explicit empty value ``""`` is empty."""
        raw = self.component(component)
        separator = self.message.delimiters.sub
        if separator in raw:
            parts = raw.split(separator, _MAX_COMPONENTS)
            raw = parts[sub - 1] if sub <= len(parts) else b""
        elif sub > 1:
            return ""
        return self.message.text(raw)

    @property
    def text(self) -> str:
        """The whole repetition as text: for types without components (TX, ST, FT), where separators are content."""
        return self.message.text(self.raw)

    def __bool__(self) -> bool:
        """Whether it holds anything but separators and the explicit empty value."""
        return bool(self.raw.lstrip(self.message.separators))


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; an absent one answers every question with nothing."""

    name: bytes
    raw: bytes = field(repr=False)
    number: int
    message: Message = field(repr=False, compare=False)

    def fields(self) -> list[bytes]:
        """Raw fields; index is the field's number (MSH-1 is the separator itself)."""
        separator = self.message.delimiters.field
        parts = split(self.raw, separator, _MAX_FIELDS)
        return [parts[0], separator, *parts[1:]] if self.name == b"MSH" else parts

    def raw_field(self, number: int) -> bytes:
        """The raw field, empty when absent."""
        parts = self.fields()
        return parts[number] if number < len(parts) else b""

    def element(self, number: int) -> Element:
        """The first repetition of a field."""
        parts = split(self.raw_field(number), self.message.delimiters.repetition, 1)
        return Element(parts[0], self.message)

    def elements(self, number: int) -> list[Element]:
        """The repetitions of a field that hold something."""
        raws = split(self.raw_field(number), self.message.delimiters.repetition, _MAX_REPETITIONS)
        return [element for raw in raws if (element := Element(raw, self.message))]

    def get(self, number: int, component: int = 1, sub: int = 1) -> str:
        """The text of the first repetition's sub-component; empty when absent."""
        return self.element(number).get(component, sub)

    def place(self, number: int) -> str:
        """How a finding names a field: ``PV1-19``, ``OBX[2]-5``."""
        name = self.name.decode("ascii")
        return f"{name}[{self.number}]-{number}" if self.name in _REPEATED else f"{name}-{number}"

    def __bool__(self) -> bool:
        """Whether the message has it."""
        return bool(self.raw)


@dataclass(frozen=True, slots=True)
class Message:
    """The segments of one message in their order, and how to read their text."""

    delimiters: Delimiters
    lines: tuple[bytes, ...] = field(repr=False)
    codec: str
    content: bytes = field(repr=False)
    separators: bytes
    """All that an empty field may hold: component, sub-component and repetition marks, quotes, blanks."""

    def text(self, raw: bytes) -> str:
        """Bytes of the message as text, unescaped; ``""`` is empty."""
        if raw == b'""':
            return ""
        words = raw.decode(self.codec, "replace")
        escape = self.delimiters.escape
        if escape in raw:
            words = unescape(words, self.delimiters, self.codec)
        return words.strip()

    def segments(self) -> list[Segment]:
        """All segments, numbered by name."""
        counts: dict[bytes, int] = {}
        found = []
        for line in self.lines:
            name = line[:3]
            counts[name] = counts.get(name, 0) + 1
            found.append(Segment(name, line, counts[name], self))
        return found

    def all(self, name: bytes) -> list[Segment]:
        """The segments called ``name``."""
        lines = [line for line in self.lines if line.startswith(name)]
        return [Segment(name, line, number, self) for number, line in enumerate(lines, start=1)]

    def first(self, name: bytes) -> Segment:
        """The first segment called ``name``, or an absent one."""
        line = next((line for line in self.lines if line.startswith(name)), b"")
        return Segment(name, line, 1, self)
