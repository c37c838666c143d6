"""The thin ER7 reader: a message split only as far as somebody asks (HL7 v2.5 chapter 2; design.md, decision 9).

Splitting comes before unescaping, so an escaped separator or carriage return stays text wherever it stands.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import AnyStr

from gateway.parsers.hl7v2.escapes import Delimiters, unescape

_LONG = 2_000
_MAX_FIELDS = 80
_MAX_REPETITIONS = 500
_MAX_COMPONENTS = 40
_REPEATED = frozenset({b"OBX", b"PRT", b"NTE", b"ROL", b"OBR", b"ORC"})
"""Segments that a place names with their number: ``OBX[2]-5``."""

_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A})
"""No text for a person holds these; some of what reads our mails stops at a NUL."""


def split(raw: AnyStr, separator: AnyStr, limit: int) -> list[AnyStr]:
    """``raw.split(separator, limit)``; over a long document ``find`` is thirty times faster than CPython's split."""
    if len(raw) < _LONG:
        return raw.split(separator, limit)
    parts: list[AnyStr] = []
    start = 0
    while len(parts) < limit and (end := raw.find(separator, start)) >= 0:
        parts.append(raw[start:end])
        start = end + len(separator)
    parts.append(raw[start:])
    return parts


class Element:
    """One repetition of a field; components and sub-components count from 1 as in the standard."""

    __slots__ = ("_message", "raw")

    def __init__(self, raw: str, message: Message) -> None:
        self.raw = raw
        self._message = message

    def component(self, number: int) -> str:
        """The raw component, empty when absent."""
        return self._message.part(self.raw, number)

    def get(self, component: int = 1, sub: int = 1) -> str:
        """The text of a sub-component, unescaped; HL7's explicit empty value ``""`` is empty."""
        return self._message.leaf(self.raw, component, sub)

    def parts(self, least: int) -> list[str]:
        """The texts of the components, of each its first sub-component, ``least`` of them at least."""
        found = self._message.leaves(self.raw)
        return found if len(found) >= least else found + [""] * (least - len(found))

    @property
    def text(self) -> str:
        """The whole repetition as text: for types without components (TX, ST, FT), where separators are content."""
        return self._message.text(self.raw)

    @property
    def lines(self) -> str:
        """The same with the blanks that a column of TX or FT begins with (HL7 v2.5 §2.A.78)."""
        return self._message.text(self.raw, stripped=False)

    def __bool__(self) -> bool:
        """Whether it holds anything but separators and the explicit empty value."""
        return bool(self.raw.lstrip(self._message.separators))


@dataclass(slots=True, eq=False)
class Segment:
    """One segment, split into fields when first asked; an absent one answers every question with nothing."""

    raw: bytes
    name: bytes
    number: int
    message: Message
    _fields: list[str] | None = None
    _plain: bool = False
    """Known once it is split: components are all that its fields have."""

    def fields(self) -> list[str]:
        """Raw fields; index is the field's number (MSH-1 is the separator itself)."""
        if self._fields is None:
            self._fields = self._split() if self.raw else [""]
        return self._fields

    def _split(self) -> list[str]:
        message = self.message
        separator, codec = message.delimiters.field, message.codec
        if len(self.raw) < _LONG:
            text = self.raw.decode(codec, "replace")
            self._plain = message.is_plain(text)
            parts = text.split(separator, _MAX_FIELDS)
        else:  # One € beside a document would make four bytes of each of the document's.
            parts = [part.decode(codec, "replace") for part in split(self.raw, separator.encode(), _MAX_FIELDS)]
        return [parts[0], separator, *parts[1:]] if self.name == b"MSH" else parts

    def raw_field(self, number: int) -> str:
        """The raw field, empty when absent."""
        parts = self._fields or self.fields()
        return parts[number] if number < len(parts) else ""

    def element(self, number: int) -> Element:
        """The first repetition of a field."""
        return Element(self.message.once(self.raw_field(number)), self.message)

    def elements(self, number: int) -> list[Element]:
        """The repetitions of a field that hold something."""
        raw = self.raw_field(number)
        if not raw:
            return []
        message = self.message
        raws = split(raw, message.delimiters.repetition, _MAX_REPETITIONS)
        return [element for raw in raws if (element := Element(raw, message))]

    def get(self, number: int, component: int = 1, sub: int = 1) -> str:
        """The text of the first repetition's sub-component; empty when absent."""
        parts = self._fields or self.fields()
        raw = parts[number] if number < len(parts) else ""
        if not raw:
            return ""
        message = self.message
        if not self._plain:
            return message.leaf(message.once(raw), component, sub)
        if component == 1 and sub == 1:
            end = raw.find(message.delimiters.component)
            return (raw if end < 0 else raw[:end]).strip()
        return message.part(raw, component).strip() if sub == 1 else ""

    def components(self, number: int) -> list[str]:
        """The texts of the first repetition's components, of each its first sub-component; empty when absent."""
        parts = self._fields or self.fields()
        raw = parts[number] if number < len(parts) else ""
        if not raw:
            return []
        if not self._plain:
            return self.message.leaves(raw)
        return [part.strip() for part in raw.split(self.message.delimiters.component, _MAX_COMPONENTS)]

    def text(self, number: int) -> str:
        """The whole first repetition of a field as text, separators and all."""
        raw = self.raw_field(number)
        return raw.strip() if self._plain else self.message.text(self.message.once(raw))

    def place(self, number: int) -> str:
        """How a finding names a field: ``PV1-19``, ``OBX[2]-5``."""
        name = self.name.decode("ascii")
        return f"{name}[{self.number}]-{number}" if self.name in _REPEATED else f"{name}-{number}"

    def __bool__(self) -> bool:
        """Whether the message has it."""
        return bool(self.raw)


class Message:
    """The segments of one message in their order, and how to read their text."""

    __slots__ = ("_at", "_made", "codec", "content", "delimiters", "dropped", "lines", "names", "separators")

    def __init__(self, delimiters: Delimiters, lines: Sequence[bytes], codec: str, content: bytes) -> None:
        self.delimiters = delimiters
        self.lines = tuple(lines)
        self.codec = codec
        self.content = content
        self.separators = delimiters.component + delimiters.sub + delimiters.repetition + '" '
        """All that an empty field may hold: component, sub-component and repetition marks, quotes, blanks."""
        self.dropped = False
        """Whether a control character was left out of a text that was asked for."""
        self.names = [line[:3] for line in self.lines]
        self._made: dict[int, Segment] = {}
        """By index in ``lines``, and only those that somebody asked for: most results are never taken apart."""
        self._at: dict[bytes, list[int]] = {}
        for index, name in enumerate(self.names):
            if name in self._at:
                self._at[name].append(index)
            else:
                self._at[name] = [index]

    def plain_lines(self, name: bytes) -> dict[int, str]:
        """The segments called ``name`` that hold fields and components and nothing else, as text by their index.

        Forty results share one search for what needs care; where one of them does, each is looked at on its own.
        """
        marks, lines = self.delimiters, self.lines
        short = [index for index in self._at.get(name, ()) if len(lines[index]) < _LONG]
        # Joined by the mark of repetition, more parts than segments means that one of them repeats something.
        text = marks.repetition.encode().join([lines[index] for index in short]).decode(self.codec, "replace")
        texts = text.split(marks.repetition)
        if len(texts) == len(short) and self._needs_no_care(text):
            return dict(zip(short, texts, strict=True))
        alone = ((index, lines[index].decode(self.codec, "replace")) for index in short)
        return {index: text for index, text in alone if self.is_plain(text)}

    def is_plain(self, text: str) -> bool:
        """Whether separators of fields and components are all that needs to be looked at in a segment.

        So nothing is repeated, escaped, subdivided, quoted or unprintable.
        """
        return self.delimiters.repetition not in text and self._needs_no_care(text)

    def _needs_no_care(self, text: str) -> bool:
        marks = self.delimiters
        return not (marks.sub in text or marks.escape in text or '"' in text) and text.isprintable()

    def once(self, raw: str) -> str:
        """The first repetition of a raw field."""
        end = raw.find(self.delimiters.repetition)
        return raw if end < 0 else raw[:end]

    def part(self, raw: str, number: int) -> str:
        """The raw component of a repetition, empty when absent."""
        separator = self.delimiters.component
        if separator not in raw:
            return raw if number == 1 else ""
        parts = split(raw, separator, number)
        return parts[number - 1] if number <= len(parts) else ""

    def leaf(self, raw: str, component: int, sub: int) -> str:
        """The text of a sub-component of a repetition, empty when absent."""
        marks = self.delimiters
        if marks.component in raw:
            parts = split(raw, marks.component, component)
            raw = parts[component - 1] if component <= len(parts) else ""
        elif component > 1:
            return ""
        if marks.sub in raw:
            parts = raw.split(marks.sub, sub)
            raw = parts[sub - 1] if sub <= len(parts) else ""
        elif sub > 1:
            return ""
        if marks.escape in raw or raw == '""' or not raw.isprintable():
            return self.text(raw)
        return raw.strip()

    def leaves(self, raw: str) -> list[str]:
        """The texts of the components of a field's first repetition, of each its first sub-component."""
        marks = self.delimiters
        parts = split(self.once(raw), marks.component, _MAX_COMPONENTS)
        if marks.escape in raw or '"' in raw or not raw.isprintable():
            return [self.leaf(part, 1, 1) if part else "" for part in parts]
        if marks.sub in raw:
            parts = [part.partition(marks.sub)[0] for part in parts]
        return [part.strip() for part in parts]

    def text(self, raw: str, *, stripped: bool = True) -> str:
        """What a raw field says, unescaped, without control characters; ``""`` is empty."""
        if not raw or raw == '""':
            return ""
        if self.delimiters.escape in raw:
            raw = unescape(raw, self.delimiters, self.codec)
        if not raw.isprintable():
            raw = self._printable(raw)
        return raw.strip() if stripped else raw.rstrip()

    def _printable(self, words: str) -> str:
        kept = words.translate(_CONTROLS)
        self.dropped = self.dropped or len(kept) < len(words)
        return kept

    def segment(self, index: int) -> Segment:
        """The segment of ``lines[index]``, numbered by name."""
        made = self._made.get(index)
        if made is None:
            name = self.names[index]
            number = bisect_left(self._at[name], index) + 1
            made = self._made[index] = Segment(self.lines[index], name, number, self)
        return made

    def segments(self) -> Iterator[Segment]:
        """All segments in their order."""
        return map(self.segment, range(len(self.lines)))

    def all(self, name: bytes) -> Sequence[Segment]:
        """The segments called ``name``."""
        return [self.segment(index) for index in self._at.get(name, ())]

    def first(self, name: bytes) -> Segment:
        """The first segment called ``name``, or an absent one."""
        found = self._at.get(name)
        return self.segment(found[0]) if found else Segment(b"", name, 1, self)
