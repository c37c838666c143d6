"""A4 on the real doors and the real store: whatever breaks, the far side hears "later" and its retry is taken."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.settings import load
from demo import letters
from gateway.moments import utc_now
from gateway.queue import bodies
from gateway.queue.afterwards import Noting
from gateway.queue.deliveries import Also
from gateway.queue.store import Store
from gateway.rest import RestVault
from gateway.service.build import build
from gateway.service.running import Running
from tests.faults.place import Place, prepare
from tests.faults.sender import Mllp, Smtp
from tests.peers.authority import make_authority

SECRET = "/var/lib/huitaine TESTINI Amelie"


@dataclass(frozen=True, slots=True)
class Ward:
    place: Place
    store: Store

    async def tell_sqlite(self, *pragmas: str) -> None:
        """On the writer's own connection and in its own thread."""

        def write(connection, jobs):
            for pragma in pragmas:
                connection.exec_driver_sql(pragma)
            return [None] * len(jobs)

        await self.store.note(Noting(also=(Also(write, None),)))


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    (tmp_path / "tls").mkdir()
    place = prepare(tmp_path / "gateway", make_authority(tmp_path / "tls"), hop_port=9)
    async with Running(build(load(place.settings), clock=utc_now)) as running:
        yield Ward(place, running.store)


@contextlib.contextmanager
def raising(owner: object, name: str, error: BaseException) -> Iterator[None]:
    """``owner.name`` raises for a while."""

    def broken(*_: object, **__: object) -> object:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, broken)
        yield


@contextlib.asynccontextmanager
async def locked(ward: Ward) -> AsyncIterator[None]:
    """Another program holds SQLite's write lock longer than we wait."""
    await ward.tell_sqlite("PRAGMA busy_timeout=50")
    with contextlib.closing(sqlite3.connect(ward.place.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def full(ward: Ward) -> AsyncIterator[None]:
    """SQLite may not grow by a page."""
    await ward.tell_sqlite("PRAGMA max_page_count=1")  # it takes the present size when that is more
    yield
    await ward.tell_sqlite("PRAGMA max_page_count=1073741823")


def patched(make: Callable[[], AbstractContextManager[None]]) -> Callable[[Ward], object]:
    @contextlib.asynccontextmanager
    async def fault(_: Ward) -> AsyncIterator[None]:
        with make():
            yield

    return fault


FAULTS = {
    "locked": locked,
    "full": full,
    "no-space-to-look": patched(lambda: raising(shutil, "disk_usage", OSError(errno.ENOSPC, SECRET))),
    "no-memory-to-seal": patched(lambda: raising(bodies, "seal_body", MemoryError(SECRET))),
    "io-error-in-the-vault": patched(lambda: raising(RestVault, "new_letter_key", OSError(errno.EIO, SECRET))),
    "key-error-in-the-journal": patched(lambda: raising(bodies, "seal", KeyError(SECRET))),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a4_a_fault_of_the_store_is_temporary_at_both_doors_and_the_retry_is_taken(ward: Ward, fault):
    smtp, mllp = Smtp(ward.place), Mllp(ward.place)
    mail = Smtp.letter("a4", 1, b"%PDF-1.7\n" * 20_000)
    message = Mllp.letter("a4", 1, letters.pdf("Lettre", "Essai"))
    await asyncio.gather(smtp.send(Smtp.letter("a4", 0, b"")), mllp.send(Mllp.letter("a4", 0, b"%PDF-1.7")))
    async with fault(ward):
        ward.store._free = (0.0, 1)
        answer, ack = await smtp.send(mail), await mllp.send(message)
    assert answer[:1] == "4", answer
    assert "\rMSA|AR|" in ack, ack
    assert "TESTINI" not in answer + ack
    assert "/var" not in answer + ack
    ward.store._free = (0.0, 1)
    assert smtp.promised(await smtp.send(mail))
    assert mllp.promised(await mllp.send(message))
    await smtp.close()
    await mllp.close()
