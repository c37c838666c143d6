"""The moments of one line of the report, packed: a million of them are read as one table of numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.moments import microseconds

Numbers = npt.NDArray[np.int64]

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


MOMENTS = tuple(column for column in Column if column >= Column.STARTED)
_LINE = struct.Struct(f"<{len(Column)}q")


def pack(flags: Flag, day: int, moments: Mapping[Column, datetime | None]) -> bytes:
    """One line; a moment that is missing or ``None`` is unknown."""
    told = (moments.get(column) for column in MOMENTS)
    return _LINE.pack(flags, day, *(UNKNOWN if at is None else microseconds(at) for at in told))


def unpack(lines: Iterable[bytes]) -> Numbers:
    """Lines as a table, one column each; empty tables keep their columns."""
    flat: npt.NDArray[Any] = np.frombuffer(b"".join(lines), dtype="<i8")
    return flat.reshape(-1, len(Column)).T.astype(np.int64)  # a copy: columns lie side by side in memory
