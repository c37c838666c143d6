"""As of when the national files are: what changed in the country since is not known to them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from directory.later import DELTA

DATES = "SELECT kind, coalesce(published_at, imported_at) FROM file"
"""Of each national file, and of the last delta."""


def as_of(rows: Iterable[tuple[str, str]]) -> datetime | None:
    """From the rows of :data:`DATES`: the older file's date, or the last delta's where that is later; else ``None``."""
    known = {kind: datetime.fromisoformat(date) for kind, date in rows}
    delta = known.pop(DELTA, None)
    dates = [*([min(known.values())] if known else []), *([delta] if delta else [])]
    return max(dates, default=None)
