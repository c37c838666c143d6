"""Traps of SQLite that lose letters, fenced in ``gateway/queue/sqlite.py``."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.queue.sqlite import open_reader, open_writer
from gateway.queue.store import Store


def pragma(connection: object, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_synchronous_normal_would_lose_acknowledged_commits_so_full_is_asserted(tmp_path: Path):
    engine = open_writer(tmp_path / "a.db")
    with engine.connect() as connection:
        assert (pragma(connection, "journal_mode"), pragma(connection, "synchronous")) == ("wal", 2)
    engine.dispose()


def test_the_wal_reset_corruption_needs_a_second_writer_or_checkpointer_and_readers_are_neither(
    store: Store, tmp_path: Path
):
    engine = open_reader(tmp_path / "data" / "huitaine.db")
    with engine.connect() as connection:
        assert pragma(connection, "wal_autocheckpoint") == 0
        with pytest.raises(OperationalError):
            connection.exec_driver_sql("UPDATE letter SET state = 'final'")
        with pytest.raises(OperationalError):
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    engine.dispose()


def test_the_search_for_a_second_writer_can_fail(store: Store, tmp_path: Path):
    with sqlite3.connect(tmp_path / "data" / "huitaine.db") as other:  # negative control: an ordinary connection may
        other.execute("UPDATE letter SET state = 'final'")
    other.close()


def test_deleted_letters_are_overwritten(store: Store, tmp_path: Path):
    engine = open_writer(tmp_path / "b.db")
    with engine.connect() as connection:
        assert pragma(connection, "secure_delete") == 1
    engine.dispose()
