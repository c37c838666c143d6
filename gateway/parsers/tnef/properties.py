"""MAPI properties inside a TNEF attribute, each value within its bounds (MS-OXTNEF §2.1.3.4, MS-OXCDATA §2.11.1)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.parsers.tnef.stream import DamagedTnef

SUBJECT = 0x0037
BODY = 0x1000
RTF_COMPRESSED = 0x1009
BODY_HTML = 0x1013
DISPLAY_NAME = 0x3001
ATTACH_DATA = 0x3701
ATTACH_FILENAME = 0x3704
ATTACH_LONG_FILENAME = 0x3707
ATTACH_MIME_TAG = 0x370E
INTERNET_CODEPAGE = 0x3FDE

INTEGER = 0x0003
OBJECT = 0x000D
STRING = 0x001E
UNICODE = 0x001F
BINARY = 0x0102

_MOST_PROPERTIES = 4_000
_MOST_VALUES = 4_000
_MULTIPLE = 0x1000
_NAMED = 0x8000
_GUID = 16
_FIXED = {
    0x0002: 4, 0x0003: 4, 0x0004: 4, 0x0005: 8, 0x0006: 8, 0x0007: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8, 0x0040: 8,
    0x0048: 16,
}  # fmt: skip
"""Bytes that a value of the type takes, padding to four included."""
_SHORT = frozenset({0x0002, 0x000B})
"""Alone they are padded to four bytes, several of them stand side by side."""
_VARIABLE = frozenset({OBJECT, STRING, UNICODE, BINARY, 0x0000})
_COUNT = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Property:
    """One value of a tagged property; of a property with several values each comes by itself."""

    id: int
    type: int
    data: memoryview = field(repr=False)


def properties(data: memoryview) -> Iterator[Property]:
    """All tagged properties; named ones (0x8000 and above) are stepped over. Raises :class:`DamagedTnef`."""
    reader = _Reader(data)
    count = reader.count(_MOST_PROPERTIES)
    for _ in range(count):
        kind, number = reader.pair()
        if number >= _NAMED:
            reader.name()
        values = list(reader.values(kind & ~_MULTIPLE, several=bool(kind & _MULTIPLE)))
        if number < _NAMED:
            yield from (Property(number, kind & ~_MULTIPLE, value) for value in values)


class _Reader:
    """A place in the bytes that never moves beyond their end."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def take(self, size: int, *, padded: bool = False) -> memoryview:
        """The next ``size`` bytes; a padded value ends at a multiple of four, which the last may lack."""
        end = self._at + size
        if end > len(self._data):
            raise DamagedTnef(f"a property stops in the middle, {end - len(self._data)} bytes are missing")
        found = self._data[self._at : end]
        self._at = min(end + (-size % 4 if padded else 0), len(self._data))
        return found

    def count(self, most: int) -> int:
        found = int(_COUNT.unpack(self.take(_COUNT.size))[0])
        if found > most:
            raise DamagedTnef(f"more than {most:,} properties or values")
        return found

    def pair(self) -> tuple[int, int]:
        kind, number = struct.unpack("<HH", self.take(4))
        return kind, number

    def name(self) -> None:
        """Step over the name of a named property: a GUID, then a number or a text."""
        self.take(_GUID)
        if _COUNT.unpack(self.take(4))[0] == 0:
            self.take(4)
        else:
            self.take(_COUNT.unpack(self.take(4))[0], padded=True)

    def values(self, kind: int, *, several: bool) -> Iterator[memoryview]:
        """The values of one property; a variable one always says how many it has (MS-OXTNEF §2.1.3.4)."""
        if kind in _VARIABLE:
            for _ in range(self.count(_MOST_VALUES)):
                yield self.take(_COUNT.unpack(self.take(_COUNT.size))[0], padded=True)
        elif several and kind in _SHORT:
            yield self.take(2 * self.count(_MOST_VALUES), padded=True)
        elif kind in _FIXED:
            for _ in range(self.count(_MOST_VALUES) if several else 1):
                yield self.take(_FIXED[kind])
        elif kind != 0x0001:
            raise DamagedTnef(f"unknown property type 0x{kind:04X}")
