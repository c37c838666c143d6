"""Which shelf an installation has."""

from __future__ import annotations

from pathlib import Path

from directory.shelf import Shelf
from directory.shelf_sqlite import SqliteShelf


def shelf_of(folder: Path) -> Shelf:
    """The shelf in ``folder``."""
    return SqliteShelf(folder)
