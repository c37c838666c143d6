"""A gateway whose SQLite waits for the disk less than it must: OFF breaks promise A1, NORMAL A2. Their controls."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

import cli
from gateway.queue import opening

_honest = opening.open_writer


def open_writer(path: Path, *, synchronous: str) -> Engine:
    """The writer's connection, its guard passed, then made careless."""
    engine = _honest(path)
    connection = engine.raw_connection()
    connection.driver_connection.execute(f"PRAGMA synchronous={synchronous}")  # type: ignore[union-attr]  # sqlite3's own
    connection.close()
    return engine


if __name__ == "__main__":
    opening.open_writer = partial(open_writer, synchronous=sys.argv.pop(1))  # type: ignore[assignment]
    cli.main()
