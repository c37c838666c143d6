"""SQLite as the store: one process holds the lock, one connection writes and checkpoints, readers only read.

One writing connection in the whole system is also what keeps SQLite 3.7.0 to 3.51.2 clear of the WAL-reset
corruption (two connections that write or checkpoint at once): see tests/unit/queue/test_sqlite_traps.py.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from gateway.errors import StorageUnavailable

WRITER = (
    "PRAGMA page_size=4096",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA busy_timeout=5000",
    "PRAGMA secure_delete=ON",
    "PRAGMA mmap_size=0",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
)
"""Small pages and a cache of 64 MB: a claim changes a row here and there in five indexes, and each page goes to the log
whole; at 16 KiB and 2 MB it took three times as long on a queue of 200,000 (promises.md D6)."""
READER = (
    "PRAGMA query_only=ON",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-16384",
    "PRAGMA temp_store=MEMORY",
)
_OWED, _NOW = "huitaine-log-owed", "huitaine-log-now"


class Lock:
    """The data folder's lock: whoever holds it is the one process that writes."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises StorageUnavailable when another process has it."""
        self._file = os.open(folder / "huitaine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise StorageUnavailable("another process holds the data folder") from error

    def release(self) -> None:
        """Let another process write; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def open_writer(path: Path) -> Engine:
    """The engine with the one connection that writes; WAL and FULL are asserted, not hoped for.

    The file is ours alone before SQLite opens it: the log beside it is made with the mode of the database.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    for beside in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if beside.exists():
            beside.chmod(0o600)
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    _prepare(engine, WRITER)
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    if (mode, synchronous) != ("wal", 2):
        raise StorageUnavailable(f"SQLite journal_mode={mode} synchronous={synchronous}, wanted wal and 2")
    return engine


def open_reader(path: Path, *, keep: bool = False) -> Engine:
    """An engine that can only read, and never checkpoints; with ``keep`` its connections stay open between looks."""
    engine = create_engine(
        f"sqlite+pysqlite:///file:{path}?mode=ro&uri=true",
        poolclass=QueuePool if keep else NullPool,
        connect_args={"check_same_thread": False},
        hide_parameters=True,
    )
    _prepare(engine, READER)
    return engine


def _prepare(engine: Engine, pragmas: tuple[str, ...]) -> None:
    """SQLAlchemy's defaults lose updates between processes: transactions here begin IMMEDIATE, by our own word."""

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: Any) -> None:  # noqa: ANN401 (SQLAlchemy's own)
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma)

    begin = "BEGIN IMMEDIATE" if pragmas is WRITER else "BEGIN"

    @event.listens_for(engine, "begin")
    def _began(connection: Any) -> None:  # noqa: ANN401 (SQLAlchemy's own)
        try:
            connection.connection.driver_connection.execute(begin)  # each transaction's: SQLAlchemy takes 100 µs for it
        except sqlite3.Error as error:
            raise DBAPIError.instance(begin, None, error, sqlite3.Error) from error


def owe_checkpoint(connection: Connection, *, erased: bool) -> None:
    """What was just erased must leave the log too; called each minute, so that a reader in the way is waited out.

    Another database than SQLite keeps its log itself.
    """
    if connection.dialect.name == "sqlite" and (erased or connection.info.get(_OWED)):
        connection.info[_OWED] = connection.info[_NOW] = True


def settle_log(connection: Connection) -> None:
    """Between two transactions: if something is owed, bring all of the log into the database and cut it to nothing.

    With ``secure_delete`` the database's own pages are overwritten. A reader in the way is not waited for.
    """
    if not connection.info.pop(_NOW, False):
        return
    pages: Any = connection.connection.driver_connection
    pages.execute("PRAGMA busy_timeout=0")
    try:
        busy = pages.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.Error:  # the log keeps what it has: tried again in a minute
        busy = 1
    finally:
        pages.execute("PRAGMA busy_timeout=5000")
    if not busy:
        connection.info.pop(_OWED)
