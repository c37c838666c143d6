"""What somebody who watches an import is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one file is: rows taken, bytes read of the total (uncompressed); afterwards the steps that remain."""

    step: str = "rows"
    """``fetch`` and ``rows`` for each file, then ``indexes``, then ``names``; ``delta`` while the API is asked."""
    file: str = ""
    rows: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
