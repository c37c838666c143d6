"""A disk that cannot be read now: a temporary fault of ours, no letter's fault, and a line of ``verify``."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError

from gateway.errors import StorageUnavailable
from gateway.queue import entries, verifying
from gateway.queue.gate import Gate
from gateway.queue.keeper import Keeper
from gateway.queue.sqlite import open_reader
from gateway.queue.store import Store
from tests.unit.queue.letters import letter


def stop_reading(store: Store) -> None:
    """Every statement of a reader is broken off by SQLite from now on."""

    @event.listens_for(store._readers, "checkout")
    def _checked_out(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(lambda: 1, 1)


async def test_a_letter_that_cannot_be_read_now_is_a_temporary_fault_to_its_road(store: Store):
    kept = await store.keep(letter())
    stop_reading(store)
    with pytest.raises(StorageUnavailable):
        store.load(kept.id)
    with pytest.raises(StorageUnavailable):
        await store.fetch(kept.id)


async def test_b5_a_disk_that_cannot_be_read_is_never_taken_for_a_damaged_row_whose_sender_need_not_be_told(
    store: Store,
):
    kept = await store.keep(letter())
    store.forget_all_keys()
    stop_reading(store)
    for look in (store.recall, store.envelope, store.key_of):
        with pytest.raises(OperationalError):  # of ours it would be: "nobody to tell"
            look(kept.id)


async def test_f10_a_letter_is_not_struck_for_a_disk_that_cannot_be_read(
    store: Store, clock: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
):
    kept = await store.keep(letter())
    keeper = Keeper(store, gate=Gate(store.waited), stays=None, clock=clock)
    waiting = store.unplanned()
    monkeypatch.setattr(store, "unplanned", lambda last: {} if last else waiting)
    stop_reading(store)

    async def travel(_kept: object) -> None:
        raise AssertionError("it was read all the same")

    await keeper.resume(travel)
    assert keeper.strikes(kept.id) == 0


async def test_verify_names_a_damaged_page_of_the_journal_instead_of_falling_over_it(store: Store, tmp_path: Path):
    await asyncio.gather(*(store.keep(letter()) for _ in range(60)))
    store.close()
    database = tmp_path / "data" / "huitaine.db"
    damage_the_last_page_of(database, "entry")
    engine = open_reader(database)
    with engine.connect() as connection:
        found = list(verifying.problems(connection, None))
        with pytest.raises(DatabaseError) as fault:  # SQLAlchemy's: the driver's own would be caught by nobody
            list(entries.told(connection))
    engine.dispose()
    assert found[-1] == "database: database disk image is malformed"
    assert fault.value.orig is not None


def damage_the_last_page_of(database: Path, table: str) -> None:
    """Pages of 4096; a table's root that has children names the last one at its octet 8."""
    with closing(sqlite3.connect(database)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    pages = bytearray(database.read_bytes())
    at = (root - 1) * 4096
    assert pages[at] == 5
    last = int.from_bytes(pages[at + 8 : at + 12], "big")
    pages[(last - 1) * 4096] = 0xFF
    database.write_bytes(pages)
