"""The moments of one line of the report, packed: a million of them are read as one table (``lines``)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, IntFlag

from gateway.moments import microseconds

UNKNOWN = -(2**63)
"""No moment: earlier than any."""


class Column(IntEnum):
    """What stands where in a line. Moments are UTC microseconds since 1970, or ``UNKNOWN``."""

    FLAGS = 0
    DAY = 1
    """Of the start, in Europe/Paris (``date.toordinal``)."""
    STARTED = 2
    WRITTEN = 3
    RECEIVED = 4
    SEALED = 5
    SENT = 6
    DELIVERED = 7
    PROCESSED = 8
    READ = 9
    INTEGRATED = 10


class Flag(IntFlag):
    """What a report tells besides figures."""

    ADT = 1
    BY_IDENTITY = 2
    CONFLICT = 4
    URGENT = 8
    """The letter that answers was marked so by its sender."""
    POSTED = 16
    """A person posted it on paper."""


MOMENTS = tuple(column for column in Column if column >= Column.STARTED)
_LINE = struct.Struct(f"<{len(Column)}q")


def pack(flags: Flag, day: int, moments: Mapping[Column, datetime | None]) -> bytes:
    """One line; a moment that is missing or ``None`` is unknown."""
    told = (moments.get(column) for column in MOMENTS)
    return _LINE.pack(flags, day, *(UNKNOWN if at is None else microseconds(at) for at in told))
