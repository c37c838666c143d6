"""A consistent copy of the database while letters come in, without the keys; and what makes it a database again.

One read transaction sees one moment, whatever the writer does meanwhile. Rows are copied rather than pages: nothing
that was erased is in the copy, and no tenant's key: it opens only as long as those are kept (decision 0018).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.errors import DatabaseRefused

AT_ONCE = 64
"""Rows in memory: chunks have up to 1 MiB."""
KEYS = "vault_key"
FIELDS = ("id", "purpose", "name", "current", "wrapped", "created_at", "retired_at", "rewrapped_to")
Told = Callable[[str, int], None]


def copy(source: Path, target: Path, told: Told) -> dict[str, int]:
    """Copy every table but the keys into a new file of 0600; ``told`` hears table and rows; gives the counts."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    counts: dict[str, int] = {}
    with closing(reading(source)) as here, closing(sqlite3.connect(target, isolation_level=None)) as there:
        here.execute("BEGIN")
        there.execute("PRAGMA page_size=16384")
        there.execute("PRAGMA journal_mode=OFF")
        there.execute("BEGIN")
        shapes = here.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC")
        for kind, name, sql in shapes.fetchall():
            there.execute(sql)
            if kind == "table":
                counts[name] = 0 if name == KEYS else _rows(here, there, name, told)
        there.execute("COMMIT")
    _fsync(target)
    return counts


def keys(source: Path) -> list[dict[str, Any]]:
    """The tenants' keys and their like, wrapped by the master key: what a copy needs to be opened."""
    with closing(reading(source)) as here:
        rows = here.execute(f"SELECT {', '.join(FIELDS)} FROM {KEYS} WHERE wrapped != x''")  # noqa: S608 (our names)
        return [dict(zip(FIELDS, row, strict=True)) | {"wrapped": row[4].hex()} for row in rows]


def put_keys(target: Path, kept: list[dict[str, Any]]) -> None:
    """Give a copy its keys again."""
    marks = ", ".join(f":{name}" for name in FIELDS)
    rows = [{name: each[name] for name in FIELDS} | {"wrapped": bytes.fromhex(each["wrapped"])} for each in kept]
    with closing(sqlite3.connect(target)) as there, there:
        there.execute(f"DELETE FROM {KEYS}")  # noqa: S608 (our names)
        there.executemany(f"INSERT INTO {KEYS} ({', '.join(FIELDS)}) VALUES ({marks})", rows)  # noqa: S608


def reading(path: Path) -> sqlite3.Connection:
    """A connection that can only read and never checkpoints; raises DatabaseRefused when there is no database."""
    if not path.exists():
        raise DatabaseRefused(f"{path.name}: no database here")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=10)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def _rows(here: sqlite3.Connection, there: sqlite3.Connection, table: str, told: Told) -> int:
    number = 0
    for rows in _batches(here.execute(f'SELECT * FROM "{table}"')):  # noqa: S608 (a name of the schema)
        there.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(rows[0]))})', rows)  # noqa: S608
        number += len(rows)
        told(table, number)
    return number


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while rows := cursor.fetchmany(AT_ONCE):
        yield rows


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
