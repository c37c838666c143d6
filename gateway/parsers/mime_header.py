"""Header fields of a body part: unfolded here, their parameters and encoded words by ``email`` behind one fence."""

from __future__ import annotations

import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from urllib.parse import unquote_to_bytes

from gateway.parsers.charsets import decode_declared

LONGEST_PARAMETERS = 4096
"""Longer Content-* fields are not taken apart: 2,000 ``name*n*=`` cost the library 0.8 s (promises.md §2, row 18)."""

TRAPS = (TypeError, ValueError, LookupError, AttributeError, HeaderParseError, RecursionError, OverflowError, OSError)
"""What ``email`` was seen raising on headers (traps.md, row 11); OSError: a codec that a reading child cannot load."""

codecs.lookup("raw-unicode-escape")
"""``email.header`` wants it where encoded and plain words mix; loaded now: a reading child can open no file later."""

_ATOM = r"[A-Za-z0-9!#$%&+.^_`{|}~-]+"
_PLAIN = re.compile(rf'\s*({_ATOM}(?:/{_ATOM})?)((?:\s*;\s*{_ATOM}=(?:"[ !#-\[\]-~]*"|{_ATOM}))*)\s*;?\s*', re.ASCII)
_PAIR = re.compile(rf';\s*({_ATOM})=(?:"([^"]*)"|({_ATOM}))', re.ASCII)
"""Nine of ten Content-* fields: no continuation, charset, comment or escape, so nothing to ask the library about."""

_ACCENTED = re.compile(
    rf"\s*({_ATOM})\s*;\s*({_ATOM})\*=(utf-8|iso-8859-1)'[a-z]{{0,2}}'((?:[a-z0-9_.-]|%[0-9a-f]{{2}})+)\s*",
    re.ASCII | re.IGNORECASE,
)
_QUOTING = frozenset(b'"<>\\')
"""One accented file name and nothing else (RFC 2231 §4), which the library takes 30 µs for."""

_FIELD = re.compile(r"^([!-9;-~]{1,76})[ \t]*:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.MULTILINE)
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]+")
_LONGEST_WORDS = 8192


def fields_of(head: bytes) -> tuple[tuple[str, str], ...]:
    """All fields in order, names in lower case, values unfolded (RFC 5322 §2.2.3) and not decoded."""
    text = head.decode("ascii", "surrogateescape")
    return tuple((name.lower(), _FOLD.sub("", value)) for name, value in _FIELD.findall(text))


def parameters(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """``type/subtype; name=value…`` taken apart (RFC 2045 §5.1, RFC 2231); raises one of :data:`TRAPS`."""
    if ";" not in value:
        return value.strip().lower(), ()
    if plain := _PLAIN.fullmatch(value):
        return plain[1].lower(), tuple((pair[1].lower(), pair[2] or pair[3] or "") for pair in _PAIR.finditer(plain[2]))
    if (accented := _ACCENTED.fullmatch(value)) and _QUOTING.isdisjoint(text := unquote_to_bytes(accented[4])):
        return accented[1].lower(), ((accented[2].lower(), decode_declared(text, accented[3]).text),)
    return by_library(value)


def by_library(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The same by ``email``: continuations, charsets, escapes; the judge of the short way in the tests."""
    message: Message = Message(policy=compat32)
    message["content-type"] = value.encode("ascii", "surrogateescape").decode("latin-1")
    found = message.get_params(failobj=[]) or [("", "")]
    return str(found[0][0]).strip().lower(), tuple((str(key).lower(), _collapsed(text)) for key, text in found[1:])


def decode_words(text: str) -> str:
    """RFC 2047 encoded words as text on one line; what cannot be decoded stays as it was sent."""
    if "=?" not in text:
        return clean(_readable(text))
    try:
        pieces = decode_header(text[:_LONGEST_WORDS])
        words = (_readable(piece) if isinstance(piece, str) else _decoded(piece, charset) for piece, charset in pieces)
        return clean("".join(words))
    except TRAPS:
        return clean(_readable(text))


def clean(text: str) -> str:
    """One line without control characters: an encoded word may hide a line end (CVE-2024-6923)."""
    return _CONTROLS.sub(" ", text).strip()


def _decoded(piece: bytes, charset: str | None) -> str:
    return decode_declared(piece, charset or "").text


def _readable(text: str) -> str:
    """Raw 8-bit in a header is UTF-8 where it can be, ISO-8859-1 where not (RFC 6532 and what old senders do)."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _collapsed(value: object) -> str:
    """RFC 2231: ``(charset, language, value)`` as text."""
    if isinstance(value, tuple):
        charset, _, text = value
        return decode_declared(str(text).encode("latin-1", "replace"), str(charset or "")).text
    return _readable(str(value).encode("latin-1", "replace").decode("ascii", "surrogateescape"))
