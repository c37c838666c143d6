"""The database made ready: the folder locked, its shape brought up to date, its keys opened, or one clear line."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from gateway.errors import DatabaseRefused, StorageUnavailable
from gateway.moments import utc_now
from gateway.queue import entries, keyring, migrations
from gateway.queue.bodies import AtRest
from gateway.queue.sqlite import Lock, open_reader, open_writer

NAME = "huitaine.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The one connection that writes, those that read, and the lock that makes it so."""

    lock: Lock
    engine: Engine
    readers: Engine

    def close(self) -> None:
        """Let go of the folder."""
        self.readers.dispose()
        self.engine.dispose()
        self.lock.release()


def open_disk(folder: Path, vault: AtRest, now: datetime | None = None) -> Disk:
    """Lock the folder and open its database; what fails leaves nothing open.

    Raises StorageUnavailable when another process holds the folder or the disk refuses, DatabaseRefused for a database
    that is damaged or of a newer version, KeyStoreRefused for another master key than the one it was sealed under.
    """
    try:
        with ExitStack() as undoing:
            disk = _opened(folder, vault, now or utc_now(), undoing)
            undoing.pop_all()
            return disk
    except DatabaseError as error:
        raise _named(error) from error
    except OSError as error:
        raise StorageUnavailable(f"the data folder cannot be used: {error.strerror}") from error


def _opened(folder: Path, vault: AtRest, now: datetime, undoing: ExitStack) -> Disk:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = Lock(folder)
    undoing.callback(lock.release)
    engine = open_writer(folder / NAME)
    undoing.callback(engine.dispose)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        new = keyring.open_ring(connection, vault, now)
        entries.seal_with(connection, vault.vouch, first=new)
    return Disk(lock=lock, engine=engine, readers=open_reader(folder / NAME, keep=True))


def _named(error: DatabaseError) -> Exception:
    """SQLite's word for what is wrong, as one line that says what to do."""
    why = str(error.orig)
    if "malformed" in why or "not a database" in why:
        return DatabaseRefused(f"{NAME} is damaged ({why}): put a backup in its place with `huitaine restore`")
    return StorageUnavailable(f"{NAME} cannot be opened: {why}")
