"""What an installation costs, made once or cheaply; what a gateway does by the clock, done often.

None of it is what a test proves: the key store's cost is written in each of its files, the revisions of the database
are proved by tests/unit/queue/test_migrations.py and promise F9, the pauses between two rounds by nobody.
"""

from __future__ import annotations

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sqlalchemy import Engine

from gateway.queue import migrations, opening, sqlite
from gateway.service import running

HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SCRYPT_N = 1 << 12
"""The least that the key store takes."""
ROUNDS = {"SWEEP": 0.25, "TELL": 0.25, "RECOVER": 1.0}
"""Seconds between two rounds, by their names in gateway.service.running; a second, two and five as shipped."""
load_key = cache(load_der_private_key)
"""OpenSSL proves an RSA key's numbers each time that it reads it: 70 ms for one that was proved before."""
_upgrade = migrations.upgrade


def hurry() -> None:
    """For a process that is only a gateway under test: its rounds come often from now on."""
    for name, seconds in ROUNDS.items():
        setattr(running, name, seconds)


def upgrade(engine: Engine, to: str = "head") -> None:
    """In place of ``migrations.upgrade``: an empty SQLite database becomes a copy of one that all revisions made."""
    if to == "head" and engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            pages = connection.connection.driver_connection
            assert pages is not None
            if not pages.execute("SELECT 1 FROM sqlite_master").fetchone():
                _template().backup(pages)
    _upgrade(engine, to)


def make_database(folder: Path) -> None:
    """The store's empty database in an installation's data folder, as its first start would make it."""
    engine = sqlite.open_writer(folder / opening.NAME)
    upgrade(engine)
    engine.dispose()


@cache
def _template() -> sqlite3.Connection:
    """An empty database in memory, of the newest shape."""
    made = sqlite3.connect(":memory:", check_same_thread=False)
    with tempfile.TemporaryDirectory() as folder:
        engine = sqlite.open_writer(Path(folder) / opening.NAME)
        _upgrade(engine)
        with engine.connect() as connection:
            pages = connection.connection.driver_connection
            assert pages is not None
            pages.backup(made)
        engine.dispose()
    return made
