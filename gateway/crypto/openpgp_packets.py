"""What protects an OpenPGP message, read from the outside of its packets alone (RFC 9580 §4.2, §6.2).

PySequoia reads a whole message to list its packets, and inflates what is compressed in it to any size; this does not.
"""

from __future__ import annotations

import binascii
import re

SEIPD, GNUPG_AEAD = 18, 20
"""Packet types: that of the standard, and GnuPG's own (LibrePGP), mostly in OCB."""
_BEFORE = {1, 3, 10}
"""Session keys, by key and by password, and markers stand before what holds the content."""
_BEGIN = b"-----BEGIN PGP MESSAGE-----"
_ARMOR = re.compile(_BEGIN + rb"[ \t]*\r?\n(?:[^\s:]+: [^\n]*\n)*[ \t]*\r?\n([A-Za-z0-9+/\r\n \t]+)")
"""Tried at its first line alone: what looks like armor again and again would take the square of its length."""


def container(message: bytes) -> tuple[int, int]:
    """Type of the packet that holds the content, and the first octet in it, its version; zeros where none is found."""
    data, at = _binary(message), 0
    try:
        while True:
            kind, start, length = _header(data, at)
            if kind not in _BEFORE:
                return kind, data[start]
            at = start + length
    except (IndexError, ValueError):
        return 0, 0


def _binary(message: bytes) -> bytes:
    at = message.find(_BEGIN) if message[:1].isascii() else -1
    found = _ARMOR.match(message, at) if at >= 0 else None
    if found is None:
        return message
    digits = b"".join(found[1].split())
    return binascii.a2b_base64(digits[: len(digits) // 4 * 4])


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """Type, where the body starts, and its length; none is told of a body that comes in pieces."""
    first, second = data[at], data[at + 1]
    if not first & 0x80:
        raise ValueError
    if not first & 0x40:
        octets = (1, 2, 4, 0)[first & 3]
        return first >> 2 & 15, at + 1 + octets, int.from_bytes(data[at + 1 : at + 1 + octets])
    if second < 192:
        return first & 63, at + 2, second
    if second < 224:
        return first & 63, at + 3, (second - 192 << 8) + data[at + 2] + 192
    return first & 63, at + (6 if second == 255 else 2), int.from_bytes(data[at + 2 : at + 6]) if second == 255 else 0
