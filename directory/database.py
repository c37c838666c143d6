"""SQLite as the directory uses it: read-only connections that follow a rename, and files built aside."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from directory.errors import DirectoryError

Row = tuple[Any, ...]
"""A row as the database gives it: its columns have the types of the schema, which the type checker cannot see."""
Rows = Callable[..., list[Row]]
"""Runs one statement of a building with its values."""


def can_be_kept(values: Iterable[object]) -> bool:
    """Whether a row could have these values: PostgreSQL keeps no NUL, and no database half a surrogate pair.

    Foreign texts are looked up as they came; one of these is simply not there.
    """
    texts = [value for value in values if isinstance(value, str)]
    return not any("\0" in text or not (text.isascii() or _is_utf8(text)) for text in texts)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_ASIDE = ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", "cache_size=-65536", "threads=2")
"""For a file thrown away when anything breaks; one more thread sorts what is indexed."""


class SwitchedDatabase:
    """Reads a file that is only ever replaced whole; sees the old one or the new one, never half.

    Each look-up compares the file's inode (1 µs) and opens the new file when it changed. A missing file answers with
    no rows. One lock makes it safe for several threads. Raises :class:`DirectoryError` when the schema is not ours.
    """

    def __init__(self, path: Path, version: int) -> None:
        self._path, self._version = path, version
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, int] | None = None
        self._lock = Lock()

    def rows(self, statement: str, values: tuple[object, ...] = ()) -> list[Row]:
        """All rows of one SELECT."""
        if not can_be_kept(values):
            return []
        with self._lock:
            connection = self._current()
            return connection.execute(statement, values).fetchall() if connection else []

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection:
                self._connection.close()
            self._connection = self._seen = None

    def _current(self) -> sqlite3.Connection | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        if (found.st_ino, found.st_mtime_ns) != self._seen:
            self._reopen()
            self._seen = (found.st_ino, found.st_mtime_ns)
        return self._connection

    def _reopen(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
        # immutable: a renamed file is never written again, so SQLite needs no lock and no journal check.
        uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        if connection.execute("PRAGMA user_version").fetchone()[0] != self._version:
            connection.close()
            raise DirectoryError("schema", f"{self._path.name} was made by another version: import again")
        self._connection = connection


@dataclass(frozen=True, slots=True)
class Aside:
    """A database being built beside the file it will replace; an open transaction is waiting."""

    database: sqlite3.Connection
    _aside: Path
    _path: Path
    _version: int

    def publish(self) -> None:
        """Commit, fsync, rename: from here on readers see the new file, and only whole."""
        self.database.execute(f"PRAGMA user_version={self._version}")
        self.database.execute("COMMIT")
        self.database.close()
        _sync(self._aside)
        self._aside.replace(self._path)
        _sync(self._path.parent)


@contextmanager
def built_aside(path: Path, version: int, *, copied: bool = False) -> Iterator[Aside]:
    """A fresh database beside ``path`` (journal off, one transaction); removed unless it was published.

    ``copied`` begins with what ``path`` holds; raises :class:`DirectoryError` ``no-directory`` or ``schema``.
    """
    place = path.with_name(path.name + ".new")
    place.unlink(missing_ok=True)
    if copied:
        _copy(path, place, version)
    database = sqlite3.connect(place.resolve().as_uri(), uri=True, isolation_level=None)
    try:
        for pragma in _ASIDE:
            database.execute(f"PRAGMA {pragma}")
        database.execute("BEGIN")
        yield Aside(database, place, path, version)
    finally:
        database.close()
        place.unlink(missing_ok=True)


def _copy(path: Path, place: Path, version: int) -> None:
    if not path.exists():
        raise DirectoryError("no-directory", "there is no directory to change yet: import the national files")
    with closing(sqlite3.connect(path)) as present:
        if present.execute("PRAGMA user_version").fetchone()[0] != version:
            raise DirectoryError("schema", f"{path.name} was made by another version: import again")
    shutil.copyfile(path, place)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Only one writer of the folder at a time; raises :class:`DirectoryError` ``busy`` at once when there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "directory.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DirectoryError("busy", "another import or update is running; try again when it is done") from error
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_UN)
