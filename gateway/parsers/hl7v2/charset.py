"""MSH-18 to text, also when MSH-18 does not tell the truth (HL7 v2.5 table 0211; PAM.fr: 8859/15 or UNICODE UTF-8)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.document import Finding
from gateway.parsers.hl7v2.er7 import split
from gateway.parsers.remarks import error, note, warning

_UTF_8 = "utf-8"
_NAMES = {
    "ASCII": "ascii",
    "UNICODE": _UTF_8,
    "UNICODE UTF-8": _UTF_8,
    "UTF-8": _UTF_8,
    "UTF8": _UTF_8,
    "8859/1": "iso8859-1",
    "8859/15": "iso8859-15",
    "ISO-8859-1": "iso8859-1",
    "ISO-8859-15": "iso8859-15",
    "WINDOWS-1252": "cp1252",
}
for _codec in _NAMES.values():
    codecs.lookup(_codec)  # Loaded with the module: a reading child can open no file later.

_MAX_FIELDS = 80
_HIGH_CONTROLS = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charset:
    """The codec that the message's bytes are really in, and what was wrong with the declaration."""

    codec: str
    findings: tuple[Finding, ...] = ()


def charset_of(segments: Sequence[bytes], declared: str) -> Charset:
    """How to decode ``segments`` whose MSH-18 (first repetition) says ``declared``.

    Bytes that are valid UTF-8 are UTF-8 whatever was declared: text in another charset is never that by chance.
    Bytes 0x80 to 0x9F in a Latin charset are Windows-1252. UTF-8 in one field and not in another is an error,
    because one of both would be mangled, and it may be the patient's name.
    """
    name = _NAMES.get(declared.strip().upper(), "")
    lines = [segment for segment in segments if not segment.isascii()]
    if _is_utf_8(b"\r".join(lines)):
        return Charset(codec=_UTF_8, findings=_remarks_on_utf_8(name, declared) if lines else ())
    accented = _accented_fields(lines)
    strange = [place for place, words in accented if not _is_utf_8(words)]
    if len(strange) < len(accented):
        message = "this is not UTF-8 and other fields are; send the whole message in the charset of MSH-18"
        return Charset(codec="cp1252", findings=(error("mixed-charsets", strange[0], message),))
    return _latin([words for _, words in accented], name, declared)


def _accented_fields(segments: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The fields that are not ASCII, so that a document in base64 beside them is not decoded for nothing."""
    return [
        (f"{segment[:3].decode('ascii')}-{number}", words)
        for segment in segments
        for number, words in enumerate(split(segment, segment[3:4], _MAX_FIELDS))
        if not words.isascii()
    ]


def _remarks_on_utf_8(name: str, declared: str) -> tuple[Finding, ...]:
    if name == _UTF_8:
        return ()
    if not declared.strip():
        return (note("charset-not-declared", "MSH-18", "no charset is declared; read as UTF-8: declare UNICODE UTF-8"),)
    return (warning("charset-not-as-declared", "MSH-18", "the text is UTF-8; declare UNICODE UTF-8", declared[:40]),)


def _latin(accented: Sequence[bytes], name: str, declared: str) -> Charset:
    codec = name if name.startswith("iso8859") else "iso8859-15"
    if any(map(_HIGH_CONTROLS.search, accented)):
        codec = "cp1252"
    if codec == name:
        return Charset(codec=codec)
    message = f"the text is not in the charset declared; read as {codec}: declare the one it has"
    return Charset(codec=codec, findings=(warning("charset-not-as-declared", "MSH-18", message, declared[:40]),))


def _is_utf_8(words: bytes) -> bool:
    try:
        words.decode(_UTF_8)
    except UnicodeDecodeError:
        return False
    return True
