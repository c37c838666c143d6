"""A journal of some hundred entries in a database of its own, checkpoints over it, and hands that change it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gateway import journal
from gateway import journal_tree as tree
from gateway.crypto.vault import create_master_key
from gateway.identifiers import DeliveryId, LetterId
from gateway.journal_note import Checkpoint
from gateway.queue import auditing, entries, keyring
from gateway.queue.afterwards import Noting
from gateway.queue.auditing import Asking, Audit
from gateway.queue.sqlite import open_reader
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from gateway.service.journal.checkpoints import Checkpoints
from tests.unit.queue.conftest import Clock

LINES = "SELECT seq, at, kind, letter_id, delivery_id, actor, code, words, hash, salt, leaf FROM entry ORDER BY seq"
FIRST, SECOND, LAST = 260, 300, 310
"""Entries when the first and the second checkpoint were signed, and in all."""


def letter_number(number: int) -> LetterId:
    return LetterId(f"01TESTLETTER{number:014d}")


@dataclass(kw_only=True)
class Journal:
    """One data folder with its keys."""

    folder: Path
    clock: Clock

    @property
    def database(self) -> Path:
        return self.folder / "data" / "huitaine.db"

    def vault(self) -> RestVault:
        return RestVault.open(self.folder / "master-key")

    @contextmanager
    def store(self) -> Iterator[tuple[Store, Checkpoints]]:
        vault = self.vault()
        store = Store(self.folder / "data", vault, limits=Limits(free_share=0), clock=self.clock)
        every = timedelta(hours=1)
        try:
            yield store, Checkpoints(store, vault, domain="hospital.test", clock=self.clock, every=every)
        finally:
            store.close()

    def audit(self, *kept: Checkpoint, told: Callable[[int], None] = lambda _: None) -> Audit:
        vault, engine = self.vault(), open_reader(self.database)
        try:
            with engine.connect() as connection:
                vault.hold(keyring.held(connection))
                asking = Asking(seal=vault.vouch, public=vault.public_key(), kept=kept, told=told)
                return auditing.audit(connection, asking)
        finally:
            engine.dispose()

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def lines(self) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(LINES).fetchall()

    def follow(self) -> None:
        """Make every leaf and every hash anew from the words, as somebody without the keys can."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            last = entries.START
            for line in connection.execute(LINES).fetchall():
                leaf = tree.leaf(line[9] + tree.written(line[1:8])) if line[9] is not None else line[10]
                last = entries.expected(last, (*line[:10], leaf))
                connection.execute("UPDATE entry SET leaf = ?, hash = ? WHERE seq = ?", (leaf, last, line[0]))

    def copied(self, folder: Path) -> Journal:
        shutil.copytree(self.folder, folder)
        return Journal(folder=folder, clock=self.clock)


def empty(folder: Path, clock: Clock | None = None) -> Journal:
    create_master_key(folder / "master-key")
    return Journal(folder=folder, clock=clock or Clock())


async def write(store: Store, clock: Clock, number: int) -> None:
    """So many entries more, each ten about one letter: the first is accepted, the others are held."""
    with store.reading() as connection:
        done = entries.length(connection)
    await store.note(Noting(events=tuple(_told(clock(), at) for at in range(done, done + number))))


def _told(now: datetime, at: int) -> journal.Event:
    letter, delivery = letter_number(at // 10), DeliveryId(f"01TESTDELIVERY{at // 10:012d}")
    if at % 10 == 0:
        return journal.accepted(now, letter, delivery, code=f"250 number {at}")
    return journal.held(now, letter, delivery, code="no-key", words=f"number {at}")


async def signed(folder: Path) -> tuple[Journal, list[str]]:
    """LAST entries, signed after FIRST and after SECOND of them; gives the two notes."""
    made, notes = empty(folder), []
    with made.store() as (store, checkpoints):
        for size in (FIRST, SECOND - FIRST):
            await write(store, made.clock, size)
            notes.append(await checkpoints.sign())
        await write(store, made.clock, LAST - SECOND)
    return made, notes
