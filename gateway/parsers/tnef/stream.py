"""The attributes of a TNEF stream, one behind the other, each within its bounds (MS-OXTNEF §2.1.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = b"\x78\x9f\x3e\x22"
MOST_ATTRIBUTES = 5_000

_HEADER = struct.Struct("<BII")
_CHECKSUM = struct.Struct("<H")
_START = len(SIGNATURE) + 2


class DamagedTnef(ValueError):
    """The stream breaks off or holds more than any mail does; its text names the byte, never the content."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its id with the type in the upper half (``0x00069003``), and its bytes."""

    id: int
    data: memoryview = field(repr=False)
    intact: bool = True
    """Whether its checksum is right: some senders write wrong ones over good data, so it is told, not refused."""


def attributes(content: bytes) -> Iterator[Attribute]:
    """All attributes in order; zero bytes behind the last are padding. Raises :class:`DamagedTnef`."""
    view, position = memoryview(content), _START
    for _ in range(MOST_ATTRIBUTES):
        if position + _HEADER.size > len(view):
            if any(view[position:]):
                raise DamagedTnef(f"stops in the middle at byte {len(view)}")
            return
        level, number, length = _HEADER.unpack_from(view, position)
        start, end = position + _HEADER.size, position + _HEADER.size + length
        if level == 0 and not any(view[position:]):
            return
        if level not in {1, 2} or end + _CHECKSUM.size > len(view):
            raise DamagedTnef(f"stops in the middle at byte {position}")
        data = view[start:end]
        yield Attribute(number, data, intact=sum(data) & 0xFFFF == _CHECKSUM.unpack_from(view, end)[0])
        position = end + _CHECKSUM.size
    raise DamagedTnef(f"holds more than {MOST_ATTRIBUTES:,} attributes")
