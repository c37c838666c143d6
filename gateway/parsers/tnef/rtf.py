"""Compressed RTF, the form in which Outlook keeps the body of a mail (MS-OXRTFCP)."""

from __future__ import annotations

import struct

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
        raise DamagedTnef("the body has no header")
    _, size, kind, _ = _HEADER.unpack_from(data)
    if size > _MOST or kind not in {_COMPRESSED, _STORED}:
        raise DamagedTnef("the body is no compressed RTF of a size that a mail has")
    if kind == _STORED:
        return data[_HEADER.size : _HEADER.size + size]
    return _unpacked(data, size)


def _unpacked(data: bytes, size: int) -> bytes:
    window = bytearray(_START.ljust(_WINDOW, b"\0"))
    at, out, position = len(_START), bytearray(), _HEADER.size
    while position < len(data) and len(out) <= size:
        control, position = data[position], position + 1
        for bit in range(8):
            if control >> bit & 1:
                if position + 2 > len(data):
                    raise DamagedTnef("the body stops in the middle")
                pair, position = data[position] << 8 | data[position + 1], position + 2
                start = pair >> 4
                if start == at:
                    return bytes(out)
                for step in range((pair & 15) + 2):
                    byte = window[(start + step) % _WINDOW]
                    window[at], at = byte, (at + 1) % _WINDOW
                    out.append(byte)
            else:
                if position >= len(data):
                    raise DamagedTnef("the body stops in the middle")
                byte, position = data[position], position + 1
                window[at], at = byte, (at + 1) % _WINDOW
                out.append(byte)
    raise DamagedTnef("the body has no end mark")
