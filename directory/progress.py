"""What somebody who watches an import is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one file is: rows taken, bytes read of the total (uncompressed)."""

    file: str
    rows: int
    bytes_done: int
    bytes_total: int
