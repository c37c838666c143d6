"""Words of a header that are not ASCII (RFC 2047), decoded in one pass: the time grows with the length, and not faster.

The standard library drops the blanks between them one by one from the front of a list, which takes the time of their
number squared; and it leaves a whole field as it is for one word that it cannot read.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pybase64

# Each start looks no further than to its third question mark: none is looked at more than a few times.
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")  # with RFC 2231 §5
_NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"}
"""What Python decodes and no mail is written in."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One encoded word, or what stands between; several words of a charset may share a character."""

    written: str
    charset: str = ""
    octets: bytes = b""


def decoded(text: str) -> str:
    """``text`` with its encoded words decoded; a word that cannot be read stays as it is written."""
    out: list[str] = []
    run: list[_Piece] = []
    for piece in _pieces(text):
        if run and piece.charset != run[0].charset:
            out.append(_read(run))
            run = []
        run.append(piece)
    return "".join((*out, _read(run)))


def _pieces(text: str) -> Iterator[_Piece]:
    """What is between two encoded words and blank is left out (RFC 2047 §6.2)."""
    end = 0
    for word in _WORD.finditer(text):
        between = text[end : word.start()]
        if between and not (end and between.isspace()):
            yield _Piece(between)
        yield _encoded(word)
        end = word.end()
    if end < len(text):
        yield _Piece(text[end:])


def _encoded(word: re.Match[str]) -> _Piece:
    charset, encoding, content = word.groups()
    try:
        octets = content.encode("ascii")
        if encoding in "bB":
            octets = pybase64.b64decode(octets + b"=" * (-len(octets) % 4))
        else:
            octets = binascii.a2b_qp(octets, header=True)
        name = codecs.lookup(charset).name
    except (ValueError, LookupError):
        return _Piece(word[0])
    return _Piece(word[0]) if name in _NO_CHARSETS else _Piece(word[0], name, octets)


def _read(run: list[_Piece]) -> str:
    written = "".join(piece.written for piece in run)
    if not run or not run[0].charset:
        return written
    try:
        return b"".join(piece.octets for piece in run).decode(run[0].charset)
    except (ValueError, LookupError):
        return written if len(run) == 1 else "".join(_read([piece]) for piece in run)
