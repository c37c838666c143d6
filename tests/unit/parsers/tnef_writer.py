"""Invented winmail.dat files, written as Outlook writes them (MS-OXTNEF): the fixtures' own writer."""

from __future__ import annotations

import struct

INSIDE = b"\x07\x03\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"


def stream(*attributes: bytes) -> bytes:
    """A TNEF stream of attributes."""
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(attributes)


def attribute(level: int, number: int, data: bytes, *, wrong_sum: bool = False) -> bytes:
    """One attribute with its checksum."""
    total = (sum(data) + wrong_sum) & 0xFFFF
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", total)


def text_property(number: int, text: str) -> bytes:
    return _variable(0x001F, number, text.encode("utf-16-le") + b"\0\0")


def binary_property(number: int, data: bytes) -> bytes:
    return _variable(0x0102, number, data)


def object_property(number: int, data: bytes) -> bytes:
    return _variable(0x000D, number, data)


def integer_property(number: int, value: int) -> bytes:
    return struct.pack("<HHI", 0x0003, number, value)


def named_property(text: str) -> bytes:
    """A property with a name of its own, as forms of a hospital's Exchange add them."""
    name = "x-huitaine".encode("utf-16-le") + b"\0\0"
    head = struct.pack("<HH", 0x001F, 0x8001) + bytes(16) + struct.pack("<II", 1, len(name)) + name.ljust(24, b"\0")
    data = text.encode("utf-16-le") + b"\0\0"
    return head + struct.pack("<II", 1, len(data)) + data.ljust(-(-len(data) // 4) * 4, b"\0")


def properties(*written: bytes) -> bytes:
    return struct.pack("<I", len(written)) + b"".join(written)


def body(*written: bytes) -> bytes:
    """attMsgProps with these properties."""
    return attribute(1, 0x00069003, properties(*written))


def file(name: str, content: bytes, *more: bytes) -> bytes:
    """The attributes of one attached file."""
    title = name.encode("cp1252", "replace") + b"\0"
    tags = properties(text_property(0x3707, name), *more)
    return b"".join((
        attribute(2, 0x00069002, struct.pack("<HIIHI", 1, 0xFFFFFFFF, 0, 0, 0)[:14]),
        attribute(2, 0x00018010, title),
        attribute(2, 0x0006800F, content),
        attribute(2, 0x00069005, tags),
    ))  # fmt: skip


def codepage(number: int) -> bytes:
    return attribute(1, 0x00069007, struct.pack("<II", number, 0))


def compressed_rtf(rtf: bytes, *, end: bool = True) -> bytes:
    """Compressed RTF of literals alone, with the end mark where the dictionary stands (MS-OXRTFCP §2.2)."""
    out = bytearray()
    for start in range(0, len(rtf) + 1, 8):
        group = rtf[start : start + 8]
        last = len(group) < 8
        mark = struct.pack(">H", ((207 + len(rtf)) % 4096) << 4) if last and end else b""
        out += bytes((1 << len(group) if mark else 0,)) + group + mark
    return struct.pack("<IIII", len(out) + 12, len(rtf), 0x75465A4C, 0) + bytes(out)


def _variable(kind: int, number: int, data: bytes) -> bytes:
    padded = data.ljust(-(-len(data) // 4) * 4, b"\0")
    return struct.pack("<HHII", kind, number, 1, len(data)) + padded
