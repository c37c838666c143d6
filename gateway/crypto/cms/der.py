"""DER, writing side only: enough of X.690 for the structures of RFC 5652."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

SEQUENCE, SET, OCTETS, INTEGER, NULL = 0x30, 0x31, 0x04, 0x02, b"\x05\x00"


def header(tag: int, length: int) -> bytes:
    """Identifier and length octets (X.690 §8.1.3, §10.1)."""
    if length < 0x80:
        return bytes((tag, length))
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big")


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element around its content."""
    content = b"".join(parts)
    return header(tag, len(content)) + content


def set_of(*elements: bytes) -> bytes:
    """SET OF in DER order (X.690 §11.6)."""
    return tlv(SET, *sorted(elements))


def integer(number: int) -> bytes:
    """INTEGER, never negative here."""
    return tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


@cache
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER (X.690 §8.19)."""
    first, second, *others = (int(arc) for arc in dotted.split("."))
    return tlv(0x06, b"".join(_base128(arc) for arc in (40 * first + second, *others)))


def algorithm(dotted: str, parameters: bytes = b"") -> bytes:
    """AlgorithmIdentifier; the parameters are DER or absent."""
    return tlv(SEQUENCE, oid(dotted), parameters)


def time(moment: datetime) -> bytes:
    """Time to the second: UTCTime to 2049, GeneralizedTime after (RFC 5652 §11.3)."""
    utc = moment.astimezone(UTC)
    if 1950 <= utc.year <= 2049:
        return tlv(0x17, utc.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, utc.strftime("%Y%m%d%H%M%SZ").encode())


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | (arc & 0x7F))
    return bytes(reversed(groups))


def elements(content: bytes, count: int) -> list[bytes]:
    """The first ``count`` elements inside the outermost one, each with its header, of DER already parsed once."""
    at, found = _content_start(content, 0)[0], []
    for _ in range(count):
        start, length = _content_start(content, at)
        found.append(content[at : start + length])
        at = start + length
    return found


def _content_start(content: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element at ``at`` starts, and how long it is."""
    length = content[at + 1]
    if length < 0x80:
        return at + 2, length
    size = length & 0x7F
    return at + 2 + size, int.from_bytes(content[at + 2 : at + 2 + size], "big")
