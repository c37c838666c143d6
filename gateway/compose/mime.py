"""MIME entities by hand: base64 only, CRLF only, 7-bit only, so that no relay has a reason to touch a signed byte.

The ``email`` package needs 3.2 ms for a letter of 85 KB, this 0.1 ms (design.md, numbers). Base64 for text too: it
keeps blanks at line ends, a lone ``.`` and ``From `` at the start of a line whatever the path (RFC 8551 §3.1.2).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from urllib.parse import quote

import pybase64

from gateway.compose.headers import checked_value, encoded_words

_LINE = 76
"""RFC 2045 §6.8."""
_BLOCK = struct.Struct(f"{_LINE}s" * 256)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}")
_NO_BASE64 = ("message/", "multipart/")
"""RFC 2046 §5.1 and §5.2.1 forbid base64 for these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a mail, or its text when it has no name."""

    content: bytes = field(repr=False)
    media_type: str
    charset: str = ""
    name: str = field(repr=False, default="")


def base64_lines(content: bytes) -> bytes:
    """Base64 in lines of 76 with CRLF between them (sliced by ``struct``: three times as fast as ``encodebytes``)."""
    encoded = pybase64.b64encode(content)
    whole = len(encoded) // _BLOCK.size * _BLOCK.size
    blocks = [b"\r\n".join(_BLOCK.unpack_from(encoded, start)) for start in range(0, whole, _BLOCK.size)]
    blocks += [encoded[start : start + _LINE] for start in range(whole, len(encoded), _LINE)]
    return b"\r\n".join(blocks)


def entity(part: Part) -> bytes:
    """The part as a MIME entity of its own: header fields, blank line, base64."""
    return "\r\n".join((*_fields(part), "", "")).encode("ascii") + base64_lines(part.content) + b"\r\n"


def multipart(parts: tuple[Part, ...], boundary: str) -> bytes:
    """``multipart/mixed`` of ``parts``; no base64 line can look like the boundary, which starts with ``=_``."""
    head = f'Content-Type: multipart/mixed;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")
    dash = f"--{boundary}\r\n".encode("ascii")
    pieces = [head]
    for part in parts:
        pieces += (dash, entity(part))
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces)


def charset_of(content: bytes) -> str:
    """What to call the bytes of a text file: nothing is decoded for good, and the bytes are kept as they are."""
    if content.isascii():
        return "us-ascii"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252" if any(0x80 <= byte < 0xA0 for byte in content) else "iso-8859-1"
    return "utf-8"


def safe_media_type(media_type: str) -> str:
    """The bare type when it is one that base64 may carry, else ``application/octet-stream``."""
    bare = media_type.partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(bare) or bare.startswith(_NO_BASE64):
        return "application/octet-stream"
    return bare


def _fields(part: Part) -> list[str]:
    kind = f"Content-Type: {part.media_type}" + (f"; charset={part.charset}" if part.charset else "")
    fields = [kind + _parameter("name", part.name), "Content-Transfer-Encoding: base64"]
    if part.name:
        fields.append("Content-Disposition: attachment" + _parameter("filename", part.name))
    return fields


def _parameter(attribute: str, value: str) -> str:
    """RFC 2231 for the disposition, RFC 2047 in ``name`` for the clients that know only that (DR-10)."""
    if not value:
        return ""
    if value.isascii():
        return f';\r\n {attribute}="{checked_value(attribute, value).replace(chr(34), "_")}"'
    if attribute == "name":
        return f';\r\n {attribute}="{encoded_words(value, fold=True)}"'
    return f";\r\n {attribute}*=utf-8''{quote(value, safe='')}"
