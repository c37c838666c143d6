"""Promise F9: a revision of the database killed at each of its statements leaves the old shape or the new one.

``python -m tests.faults.migrating FOLDER POINTS [torn]`` tries every revision, on the database that version 0.1 left,
at no more than POINTS places each (0: all of them), and prints what it found. ``torn`` begins no transaction: the
control.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from gateway.queue import migrations, sqlite
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors" / "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the kills left behind."""

    revisions: int
    kills: int
    old: int
    new: int
    between: list[str]
    unreadable: list[str]


def of_version_0_1(folder: Path) -> Path:
    """A data folder with four letters as version 0.1 left them, its master key beside it; gives the database."""
    database = folder / "data" / "huitaine.db"
    database.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA page_size=16384")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((VECTORS / "huitaine-0.1.sql").read_text())
    key = folder / "master-key"
    key.write_bytes(bytes.fromhex((VECTORS / "huitaine-0.1.master-key").read_text()))
    key.chmod(0o600)
    return database


def opened(folder: Path) -> Store:
    """The store in this folder as the gateway opens it."""
    vault = RestVault.open(folder / "master-key")
    return Store(folder / "data", vault, limits=Limits(free_share=0), clock=lambda: datetime.now(UTC))


def unreadable(folder: Path) -> list[str]:
    """Which of the four letters does not come back, byte for byte."""
    wrong = []
    store = opened(folder)
    try:
        with store.reading() as connection:
            ids = connection.exec_driver_sql("SELECT DISTINCT letter_id FROM chunk ORDER BY letter_id").scalars().all()
        for number, letter in enumerate(ids):
            if f"letter {number} of version 0.1".encode() not in store.load(letter).received.content:
                wrong.append(letter)
    finally:
        store.close()
    return wrong + ([] if len(ids) == 4 else [f"{len(ids)} letters"])


class Readability:
    """What a start makes of a database; the same tables with the same rows, down to the last byte, are tried once."""

    def __init__(self) -> None:
        self._known: dict[bytes, list[str]] = {}

    def unreadable(self, folder: Path) -> list[str]:
        """As the function of this name."""
        content = _content(folder)
        if content not in self._known:
            self._known[content] = unreadable(folder)
        return self._known[content]


def _content(folder: Path) -> bytes:
    """A digest of all that SQLite gives to one who opens it, recovery from its log included."""
    digest = hashlib.sha256()
    with closing(sqlite3.connect(folder / "data" / "huitaine.db")) as connection:
        for line in connection.iterdump():
            digest.update(line.encode() + b"\0")
    return digest.digest()


def killed_everywhere(folder: Path, points: int, *, torn: bool) -> Found:
    """Every revision, killed at its statements."""
    readability = Readability()
    old = new = kills = 0
    between: list[str] = []
    lost: list[str] = []
    revisions = [each.revision for each in ScriptDirectory(str(migrations.HERE)).walk_revisions()][::-1]
    before = of_version_0_1(folder / "start").parent.parent
    for revision in revisions:
        after = folder / f"after-{revision}"
        shutil.copytree(before, after)
        count = _run(after, revision, kill_at=0, torn=False)
        shapes = (_shape(before), _shape(after))
        for point in _spread(count, points):
            here = folder / "here"
            shutil.copytree(before, here)
            kills += _run(here, revision, kill_at=point, torn=torn) < 0
            shape = _shape(here)
            old, new = old + (shape == shapes[0]), new + (shape == shapes[1])
            if shape not in shapes:
                between.append(f"{revision} at {point} of {count}")
            elif wrong := readability.unreadable(here):
                lost.append(f"{revision} at {point} of {count}: {wrong}")
            shutil.rmtree(here)
        before = after
    return Found(revisions=len(revisions), kills=kills, old=old, new=new, between=between, unreadable=lost)


async def found(folder: Path, points: int, *, torn: bool = False) -> Found:
    """The same in a process of its own."""
    more = ("torn",) if torn else ()
    command = (sys.executable, "-m", "tests.faults.migrating", str(folder), str(points), *more)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return Found(**json.loads(said))


def _spread(count: int, points: int) -> Iterator[int]:
    """Places from the first to the last, evenly; all of them when ``points`` is 0."""
    step = max(1, count // points) if points else 1
    yield from sorted({*range(1, count + 1, step), count})


def _run(folder: Path, revision: str, *, kill_at: int, torn: bool) -> int:
    """One try in a child; gives how many places it passed, or -1 when it was killed at one."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"%d" % _upgrade(folder, revision, kill_at, torn=torn))
        os._exit(0)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as said:
        return -1 if os.WIFSIGNALED(status) else int(said.read())


def _upgrade(folder: Path, revision: str, kill_at: int, *, torn: bool) -> int:
    engine, passed = _engine(folder / "data" / "huitaine.db", torn=torn), 0

    def place(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, moment, place)
    migrations.upgrade(engine, revision)
    place()
    engine.dispose()
    return passed


def _engine(database: Path, *, torn: bool) -> Engine:
    if not torn:
        return sqlite.open_writer(database)
    return create_engine(f"sqlite:///{database}", poolclass=StaticPool, connect_args={"isolation_level": None})


def _shape(folder: Path) -> list[tuple[str, ...]]:
    """Every table and index, and the revision's number."""
    with closing(sqlite3.connect(folder / "data" / "huitaine.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        shape = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        if any(row[1] == "alembic_version" for row in shape):
            shape += connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return shape


if __name__ == "__main__":
    print(json.dumps(asdict(killed_everywhere(Path(sys.argv[1]), int(sys.argv[2]), torn="torn" in sys.argv))))
