"""A gateway that breaks promise A2 on purpose: SQLite syncs at checkpoints only. Control of A2."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

import cli
from gateway.queue import opening

_honest = opening.open_writer


def open_writer(path: Path) -> Engine:
    """The writer's connection, its guard passed, then made careless."""
    engine = _honest(path)
    connection = engine.raw_connection()
    connection.driver_connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[union-attr]  # sqlite3's own
    connection.close()
    return engine


if __name__ == "__main__":
    opening.open_writer = open_writer  # type: ignore[assignment]
    cli.main()
