"""From bytes to one message: MLLP frame, byte order mark, line ends, encoding characters, limits."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NoReturn

from gateway.document import Finding
from gateway.errors import UnreadableDocument
from gateway.parsers.hl7v2.charset import charset_of
from gateway.parsers.hl7v2.er7 import Message, split
from gateway.parsers.hl7v2.escapes import Delimiters, lost_escape, open_escape
from gateway.parsers.remarks import error, note, warning

_MAX_LINES = 600_000
"""A 25 MB document in base64 lines of 64 characters has 550,000."""

_MAX_SEGMENTS = 20_000
_MAX_SEGMENT = 256 * 1024
_MAX_ESCAPES = 400_000
"""A document of 15 MB in base64 whose line breaks are escaped has that many."""
_LOOKED_AT = 64 * 1024
_LONG = re.compile(rb"NTE|OBX(.).{0,20}?\1(?:ED|RP|TX|FT|ST|)\1", re.DOTALL)
"""Only these carry documents or long text: a number of a megabyte is none."""

_START = re.compile(rb"[A-Z][A-Z0-9]{2}")
_NEARLY = re.compile(rb"(?im)^[^a-z0-9\n]{0,8}(?:MSH|PID|PV1|ORC|OBR|OBX|NTE|SPM|PRT|TXA)[ \t]{0,8}[^\w\n]")
"""A blank or another sign in front of the name, or small letters: what a slip makes of a segment."""
_USUAL = frozenset({b"OBX", b"NTE", b"OBR", b"PRT", b"ORC", b"PID", b"PV1", b"MSH", b"EVN", b"TXA", b"ROL", b"ZBE"})
_BATCH = (b"FHS", b"BHS")


def open_message(content: bytes, findings: list[Finding]) -> Message:
    """The one message that ``content`` holds, charset settled; deviations go to ``findings``.

    Raises ``UnreadableDocument`` when there is no MSH, MSH-2 is unusable, there are several messages, or a limit
    is passed. Segments end in CR, CRLF or LF; a line that does not start as a segment belongs to the one before
    (base64 with line breaks).
    """
    body = _unframed(content)
    delimiters = _delimiters(body)
    lines = _segments(body, delimiters, findings)
    declared = Message(delimiters, lines[:1], "latin-1", content).first(b"MSH").get(18)
    charset = charset_of(lines, declared)
    findings.extend(charset.findings)
    message = Message(delimiters, lines, charset.codec, content)
    escapes = body.count(delimiters.escape.encode(), 9)
    if escapes > _MAX_ESCAPES:
        _refuse("too-many-escapes", "MSH", f"more than {_MAX_ESCAPES} escape characters; write plain text, in UTF-8")
    if escapes:
        _remark_on_escapes(message, findings)
    return message


def _unframed(content: bytes) -> bytes:
    """Without the MLLP block characters and a UTF-8 mark (HL7 v2 MLLP release 1, §2.2)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"M\x00S\x00H", b"\x00M\x00S")):
        _refuse("utf-16", "byte 0", "the message is in UTF-16; send it in UTF-8 with MSH-18 UNICODE UTF-8")
    body = content.strip(b"\x0b\x1c\r\n \t").removeprefix(b"\xef\xbb\xbf").lstrip()
    if body.startswith(_BATCH):
        _refuse("batch", "byte 0", "batches (FHS, BHS) are not taken; send each message on its own")
    if not body.startswith(b"MSH"):
        _refuse("no-msh", "byte 0", "there is no MSH segment at the start; send one whole HL7 v2 message")
    return body


def _delimiters(body: bytes) -> Delimiters:
    found = _marks(body[3:8])
    if found is None or body[8:9] not in {body[3:4], b"#"}:
        _refuse("bad-delimiters", "MSH-2", "MSH-1 and MSH-2 must be five different marks, usually |^~\\&; correct them")
    return found


@lru_cache(maxsize=16)
def _marks(marks: bytes) -> Delimiters | None:
    """Five different ASCII marks that are neither letters nor digits, else ``None``."""
    if len(set(marks)) != 5 or not all(0x20 < mark < 0x7F and not chr(mark).isalnum() for mark in marks):
        return None
    field, component, repetition, escape, sub = map(chr, marks)
    return Delimiters(field=field, component=component, repetition=repetition, escape=escape, sub=sub)


def _segments(body: bytes, delimiters: Delimiters, findings: list[Finding]) -> tuple[bytes, ...]:
    end = _line_end(body, findings)
    if usual := _usual_segments(body, delimiters.field.encode(), end):
        _check(usual)
        return usual
    groups: list[list[bytes]] = []
    pieces = split(body, end, _MAX_LINES)
    if len(pieces) > _MAX_LINES:
        _refuse("too-many-lines", "byte 0", f"more than {_MAX_LINES} lines; send a smaller message")
    mark = delimiters.field.encode()
    for piece in pieces:
        line = piece.strip(b"\r\n")
        if (line[:3] in _USUAL and line[3:4] == mark) or _starts(line, mark):
            groups.append([line])
        elif line:
            groups[-1].append(line)
    if end == b"\r\n" or b"\r\n".replace(end, b"") in body:
        _refuse_hidden_segment(groups, delimiters)
    segments = tuple(_joined(group, mark) if len(group) > 1 else group[0] for group in groups)
    _check(segments)
    return segments


def _usual_segments(body: bytes, mark: bytes, end: bytes) -> tuple[bytes, ...]:
    """The segments where each line is one, known by its first four bytes; none where any line needs a look."""
    if len(body) > _LOOKED_AT or end != b"\r" or b"\n" in body:
        return ()
    lines = tuple(body.split(end))
    return lines if _usual_starts(mark).issuperset([line[:4] for line in lines]) else ()


@lru_cache(maxsize=16)
def _usual_starts(mark: bytes) -> frozenset[bytes]:
    return frozenset(name + mark for name in _USUAL)


def _joined(group: list[bytes], mark: bytes) -> bytes:
    """A segment with the lines that belong to it; one of them that is a segment but for its first sign is none."""
    rest = b"\n".join(group[1:])
    if mark in rest and any(line[-1:] == mark for line in _NEARLY.findall(rest)):
        name = group[0][:3].decode("ascii")
        words = "a line behind it looks like a segment and is none: what follows could be another patient's; correct it"
        _refuse("segment-not-told", name, words)
    return group[0] + b"\n" + rest


def _line_end(body: bytes, findings: list[Finding]) -> bytes:
    """How segments end, as seen at the end of MSH."""
    found = re.search(rb"\r\n|\r|\n", body)
    end = found[0] if found else b"\r"
    if end != b"\r":
        words = "segments end in a line feed; HL7 asks for a carriage return alone"
        findings.append(note("segments-not-cr", "MSH", words))
    return end


def _refuse_hidden_segment(groups: list[list[bytes]], delimiters: Delimiters) -> None:
    """A segment behind the other line end would be read by some systems and not by others."""
    hidden = re.compile(rb"[\r\n][A-Z][A-Z0-9]{2}" + re.escape(delimiters.field.encode()))
    for group in groups:
        if any(hidden.search(line) for line in group):
            name = group[0][:3].decode("ascii")
            _refuse("mixed-line-ends", name, "another segment follows a line end that MSH has not; use CR for all")


def _starts(line: bytes, mark: bytes) -> bool:
    if line[3:4] != mark and len(line) != 3:
        return False
    return _START.match(line) is not None


def _check(segments: tuple[bytes, ...]) -> None:
    if len(segments) > _MAX_SEGMENTS:
        _refuse("too-many-segments", "MSH", f"more than {_MAX_SEGMENTS} segments; send fewer results at a time")
    if b"MSH" in [line[:3] for line in segments[1:]]:
        _refuse("several-messages", "MSH", "several messages in one; send each message on its own")
    if max(map(len, segments)) <= _MAX_SEGMENT:
        return
    for line in segments:
        if len(line) > _MAX_SEGMENT and not _LONG.match(line):
            name = line[:3].decode("ascii")
            _refuse("segment-too-long", name, f"{name} is longer than {_MAX_SEGMENT >> 10} KB; correct it")


def _remark_on_escapes(message: Message, findings: list[Finding]) -> None:
    escape = message.delimiters.escape
    mark = escape.encode()
    for segment in message.segments():
        if mark not in segment.raw or segment.name == b"MSH":
            continue
        for number, raw in enumerate(segment.fields()):
            if escape in raw and (found := _remark(raw[:_LOOKED_AT], escape, segment.place(number))):
                findings.append(found)
                return


def _remark(raw: str, escape: str, place: str) -> Finding | None:
    if open_escape(raw, escape):
        words = "an escape character opens no known sequence; it is kept as it is: write it as \\E\\"
        return warning("open-escape", place, words)
    if lost_escape(raw, escape):
        words = "an escape sequence changes the charset or is the sender's own; it is left out: write the text itself"
        return warning("lost-escape", place, words)
    return None


def _refuse(code: str, place: str, message: str) -> NoReturn:
    raise UnreadableDocument((error(code, place, message),))
