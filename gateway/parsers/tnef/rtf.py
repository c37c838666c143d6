"""Compressed RTF, the form in which Outlook keeps the body of a mail (MS-OXRTFCP)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.parsers.tnef.stream import DamagedTnef

_HEADER = struct.Struct("<IIII")
_COMPRESSED, _STORED = 0x75465A4C, 0x414C454D
_WINDOW = 4096
_MOST = 20 * 1024 * 1024
_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What the dictionary begins with (§2.1.2.1): the phrases that every RTF opens with."""


def decompressed(data: bytes) -> bytes:
    """The RTF. Raises :class:`DamagedTnef` when it stops in the middle or unpacks beyond 20 MB."""
    if len(data) < _HEADER.size:
        raise DamagedTnef("has a body without a header")
    _, size, kind, _ = _HEADER.unpack_from(data)
    if size > _MOST or kind not in {_COMPRESSED, _STORED}:
        raise DamagedTnef("has a body that is no compressed RTF of a size that a mail has")
    if kind == _STORED:
        return data[_HEADER.size : _HEADER.size + size]
    return _unpacked(data, size)


def _unpacked(data: bytes, size: int) -> bytes:
    """Literals and references into the last 4,096 bytes, until a reference to the place it is written at."""
    window = bytearray(_START.ljust(_WINDOW, b"\0"))
    at, out = len(_START), bytearray()
    for literal, start, length in _steps(data):
        if literal is None and start == at:
            return bytes(out)
        for step in range(length):
            byte = window[(start + step) % _WINDOW] if literal is None else literal
            window[at], at = byte, (at + 1) % _WINDOW
            out.append(byte)
        if len(out) > size + _WINDOW:
            break
    if len(out) < size:
        raise DamagedTnef("has a body that stops in the middle")
    return bytes(out[:size])


def _steps(data: bytes) -> Iterator[tuple[int | None, int, int]]:
    """A literal byte, or ``None`` with place and length of what is repeated; eight after each control byte (§2.1.3)."""
    position = _HEADER.size
    while position < len(data):
        control, position = data[position], position + 1
        for bit in range(8):
            size = 2 if control >> bit & 1 else 1
            if position + size > len(data):
                return
            if size == 1:
                yield data[position], 0, 1
            else:
                pair = data[position] << 8 | data[position + 1]
                yield None, pair >> 4, (pair & 15) + 2
            position += size
