"""The line of a file that a finding is about, with the place in it: for whoever holds the file; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.parsers.charsets import decode
from gateway.parsers.hprim.lines import split_lines

WIDTH = 68
"""Columns of the line that are shown, so that it fits behind an indent in 80."""
_MOST = 1 << 20
"""A line is looked for in so many bytes: a place further on is shown without its line."""
_BYTE = re.compile(r"byte (\d{1,9})")
_CHARACTER = re.compile(r"character (\d{1,9})")
_LINE = re.compile(r"(?:[A-Z]{1,3} )?line (\d{1,7})(?: field (\d{1,3}))?")
_SEGMENT = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d{1,5})\])?(?:-(\d{1,3})(?:\.\d+)*)?")
_ROW = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A line, numbered from 1, cut to fit; ``caret`` is the column of ``text`` meant, ``None`` for the whole line.

    Bytes that are no text have no line: they are shown as numbers.
    """

    line: int | None
    text: str = field(repr=False)
    caret: int | None = None


def excerpt(content: bytes, place: str) -> Excerpt | None:
    """Where ``place`` is (``line 7 field 10``, ``PID-3``, ``byte 812``); ``None`` for a place inside a part."""
    content = content[:_MOST]
    if found := _BYTE.fullmatch(place):
        return _at_byte(content, int(found[1]))
    if found := _CHARACTER.fullmatch(place):
        return _at_character(content, int(found[1]) - 1)
    if found := _LINE.fullmatch(place):
        return _at_field(content, int(found[1]), int(found[2]) if found[2] else None)
    found = _SEGMENT.fullmatch(place)
    return _at_segment(content, found) if found and content.lstrip(b"\x0b\r\n \xef\xbb\xbf")[:3] == b"MSH" else None


def _at_byte(content: bytes, at: int) -> Excerpt | None:
    if at >= len(content):
        return None
    around = content[max(0, at - 64) : at + 64]
    if b"\x00" in around or sum(byte < 0x20 and byte not in b"\r\n\t" for byte in around) > len(around) // 8:
        return _hexadecimal(content, at)
    before = content[:at]
    return _at_character(content, len(decode(before).text) if before else 0)


def _hexadecimal(content: bytes, at: int) -> Excerpt:
    """Bytes around one, with what they would be as ASCII."""
    start = max(0, at - _ROW // 2)
    row = content[start : start + _ROW]
    signs = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
    lead = f"{start:08x}  "
    return Excerpt(line=None, text=f"{lead}{row.hex(' ')}  |{signs}|", caret=len(lead) + 3 * (at - start))


def _at_character(content: bytes, at: int) -> Excerpt | None:
    text = decode(content).text
    if at >= len(text):
        return None
    line = next((line for line in split_lines(text) if line.start <= at < line.end), None)
    return _cut(line.number, line.text, min(at - line.start, len(line.text))) if line else None


def _at_field(content: bytes, number: int, position: int | None) -> Excerpt | None:
    """HPRIM counts the name of the line as its first field."""
    lines = split_lines(decode(content).text)
    if number > len(lines):
        return None
    text = lines[number - 1].text
    mark = lines[0].text[1:2] if re.match(r"H\W", lines[0].text) else "|"
    return _cut(number, text, _start(text, mark, position - 1) if position else None)


def _at_segment(content: bytes, found: re.Match[str]) -> Excerpt | None:
    """HL7 v2 counts behind the name of the segment; in MSH the separator itself is the first field."""
    name, nth, position = found[1], int(found[2] or 1), found[3]
    lines = split_lines(decode(content).text.lstrip("\x0b"))
    same = [line for line in lines if line.text.startswith(name)]
    if len(same) < nth or (found[2] is None and len(same) > 1):  # a place that names no repetition is about them all
        return None
    text, mark = same[nth - 1].text, lines[0].text.lstrip("\ufeff \r\n")[3:4] or "|"
    if position is None:
        return _cut(same[nth - 1].number, text, None)
    return _cut(same[nth - 1].number, text, _start(text, mark, int(position) - (1 if name == "MSH" else 0)))


def _start(text: str, mark: str, index: int) -> int:
    """The column at which field ``index`` starts; the end of the line when it has not so many."""
    parts = text.split(mark)
    return min(sum(len(part) + 1 for part in parts[:index]), len(text))


def _cut(number: int, text: str, caret: int | None) -> Excerpt:
    if len(text) <= WIDTH:
        return Excerpt(line=number, text=text, caret=caret)
    first = max(0, min((caret or 0) - WIDTH // 3, len(text) - WIDTH + 1))
    lead, end = "…" if first else "", "…" if first + WIDTH - 1 < len(text) else ""
    shown = lead + text[first : first + WIDTH - len(lead) - len(end)] + end
    return Excerpt(line=number, text=shown, caret=None if caret is None else min(caret - first + len(lead), len(shown)))
