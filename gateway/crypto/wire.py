"""Bytes of a mail as it leaves: base64 lines, parts and header fields, without the ``email`` package."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import pybase64

from gateway.beside import pieces
from gateway.errors import NoProtection

CRLF = b"\r\n"
_LINE = 76  # RFC 2045 §6.8
_LINES = struct.Struct(f"{_LINE}s" * 128)
_LONGEST = 998  # RFC 5322 §2.1.1
_NOT_LINE_END_NOR_8BIT = bytes(byte for byte in range(128) if byte not in CRLF)


def base64_lines(content: bytes) -> bytes:
    """Base64 in lines of 76 ended by CRLF.

    Cut by ``struct`` and joined block by block, so that the pieces stay in the processor's cache: four times faster
    than slicing each line.
    """
    text = pybase64.b64encode(content)
    whole = len(text) - len(text) % _LINES.size
    blocks = [CRLF.join(_LINES.unpack_from(text, start)) for start in range(0, whole, _LINES.size)]
    blocks += [text[start : start + _LINE] for start in range(whole, len(text), _LINE)]
    blocks.append(b"")
    return CRLF.join(blocks)


def check_canonical(entity: bytes) -> None:
    """NoProtection unless a relay will leave ``entity`` as it is: 7-bit, every line ended by CRLF, a header (CR-09)."""
    ends = b"".join(piece.translate(None, _NOT_LINE_END_NOR_8BIT) for piece in pieces(entity))
    if ends != CRLF * (len(ends) // 2):
        raise NoProtection("entity-not-canonical")
    if CRLF + CRLF not in entity:
        raise NoProtection("entity-without-header")


def fields(headers: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    """Each header field as one line; NoProtection when one could forge another or would not travel."""
    for name, value in headers:
        line = f"{name}: {value}"
        if not name.isascii() or not line.isprintable() or ":" in name or " " in name or not name:
            raise NoProtection("header-not-printable")
        try:
            encoded = line.encode("ascii")
        except UnicodeEncodeError as error:
            raise NoProtection("header-not-ascii") from error
        if len(encoded) > _LONGEST:
            raise NoProtection("header-too-long")
        yield encoded + CRLF
