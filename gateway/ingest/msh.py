"""The MSH segment as far as an acknowledgement needs it, pure: raw fields are echoed, nothing else is read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SEGMENT_END = re.compile(rb"[\r\n]")
_VERSION = re.compile(r"2\.(\d+)(?:\.(\d+))?")
_CODECS = {"UNICODE UTF-8": "utf-8", "8859/1": "iso8859-1", "8859/15": "iso8859-15", "ASCII": "ascii"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Msh:
    """Field ``n`` is MSH-n as in the standard: 1 is the separator itself, 2 the encoding characters."""

    fields: tuple[bytes, ...]

    def field(self, number: int) -> bytes:
        """The raw field; empty when absent."""
        return self.fields[number - 1] if number <= len(self.fields) else b""

    def component(self, number: int, component: int) -> str:
        """One component of a field's first repetition, as text."""
        marks = self.field(2)
        parts = self.field(number).split(marks[1:2])[0].split(marks[:1])
        return parts[component - 1].decode(self.codec, "replace") if component <= len(parts) else ""

    @property
    def separators(self) -> str:
        """Field, component, repetition, escape and sub-component separators."""
        return (self.field(1) + self.field(2)[:4]).decode("ascii")

    @property
    def codec(self) -> str:
        """Python's name for MSH-18; the first repetition counts (PAM.fr: ``UNICODE UTF-8`` or ``8859/15``)."""
        declared = self.field(18).split(self.field(2)[1:2])[0].decode("ascii", "replace").strip()
        return _CODECS.get(declared, "ascii")

    @property
    def application(self) -> str:
        """``MSH-3|MSH-4``, first components: how settings name a sending application."""
        return f"{self.component(3, 1)}|{self.component(4, 1)}"

    @property
    def version(self) -> tuple[int, ...]:
        """MSH-12.1 as numbers; 2.5 when it cannot be told."""
        found = _VERSION.match(self.component(12, 1))
        return (2, *(int(part) for part in found.groups() if part)) if found else (2, 5)


DEFAULT = Msh(fields=(b"|", b"^~\\&"))
"""For an answer to something that has no MSH."""


def read_msh(message: bytes) -> Msh | None:
    """MSH of ``message``; ``None`` when there is none, or its separators are not five different marks."""
    first = _SEGMENT_END.split(message.lstrip(b"\r\n \t").removeprefix(b"\xef\xbb\xbf")[:8192], maxsplit=1)[0]
    marks = first[3:8]
    plain = len(set(marks)) == 5 and all(0x20 < mark < 0x7F and not chr(mark).isalnum() for mark in marks)
    if not first.startswith(b"MSH") or not plain or first[8:9] not in {marks[:1], b"#"}:
        return None
    separator = first[3:4]
    return Msh(fields=(separator, *first[4:].split(separator)))
