"""A5 on SQLite: a disk that is full in the middle of a commit, read-only, or gives back other bytes than it got."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.crypto.vault import create_master_key
from gateway.errors import DatabaseRefused, HuitaineError, StorageFull, StorageUnavailable
from gateway.identifiers import LetterId
from tests.faults.test_f2_keys import Here, opened
from tests.peers.running import need
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import letter

PAGE = 16384


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB of its own."""
    need("mount", "umount", root=True)
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "none", disk], check=True)
    try:
        create_master_key(disk / "master-key")
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    """A store with three letters, closed: all of it is in the file."""
    create_master_key(tmp_path / "master-key")
    return opened(tmp_path, Clock())


async def test_a5_a_disk_full_in_the_middle_of_a_commit_refuses_that_letter_and_loses_none(small: Path):
    store = opened(small, Clock())
    kept: list[LetterId] = []
    with pytest.raises((StorageFull, StorageUnavailable)) as refused:
        await _fill(store, kept)
    assert not refused.value.permanent
    store.store.close()
    _remount(small, "size=20m")
    again = opened(small, Clock())
    assert [again.store.load(each).id for each in kept] == kept
    assert again.wrong() == []
    assert not (await again.store.keep(letter())).again
    again.store.close()


async def test_a5_a_read_only_disk_refuses_temporarily_then_the_start_in_one_line(small: Path):
    store = opened(small, Clock())
    kept = (await store.store.keep(letter())).id
    store.store.close()
    _remount(small, "ro")
    with pytest.raises(StorageUnavailable) as refused:
        opened(small, Clock())
    assert "Read-only" in refused.value.detail
    assert "\n" not in refused.value.detail
    _remount(small, "rw")
    again = opened(small, Clock())
    assert again.store.load(kept).id == kept
    again.store.close()


async def test_a5_a_flipped_page_of_a_letter_is_named_and_the_others_are_whole(here: Here):
    kept = [(await here.store.keep(letter(bytes([65 + number]) * 100_000))).id for number in range(3)]
    sealed = _first_bytes(here, kept[1])
    here.store.close()
    _flip(here, sealed)
    again = opened(here.folder, here.clock)
    assert [each.split(":")[0] for each in again.wrong()] == [f"letter {kept[1]}"]
    assert again.store.load(kept[0]).id == kept[0]
    with pytest.raises(HuitaineError):
        again.store.load(kept[1])
    again.store.close()


@pytest.mark.parametrize("start", [0, 100])
async def test_a5_a_destroyed_first_page_refuses_to_start_and_says_restore(here: Here, start: int):
    await here.store.keep(letter())
    here.store.close()
    database = here.folder / "data" / "huitaine.db"
    content = bytearray(database.read_bytes())
    content[start : start + 2000] = b"\xff" * 2000
    database.write_bytes(content)
    with pytest.raises(DatabaseRefused) as refused:
        opened(here.folder, here.clock)
    assert "damaged" in refused.value.detail
    assert "huitaine restore" in refused.value.detail
    database.unlink()
    opened(here.folder, here.clock).store.close()  # the lock was let go of


async def test_a5_control_what_was_not_changed_is_not_complained_of(here: Here):
    await here.store.keep(letter(b"x" * 100_000))
    here.store.close()
    again = opened(here.folder, here.clock)
    assert again.wrong() == []
    again.store.close()


async def _fill(here: Here, kept: list[LetterId]) -> None:
    for _ in range(100):
        found = await here.store.keep(letter(b"x" * 200_000))
        kept.append(found.id)


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


def _first_bytes(here: Here, kept: LetterId) -> bytes:
    with here.store.reading() as connection:
        found = connection.exec_driver_sql("SELECT data FROM chunk WHERE letter_id = ?", (kept,)).scalar_one()
    return bytes(found)[PAGE * 2 : PAGE * 2 + 64]


def _flip(here: Here, sealed: bytes) -> None:
    database = here.folder / "data" / "huitaine.db"
    content = bytearray(database.read_bytes())
    at = content.index(sealed)
    content[at] ^= 0x01
    database.write_bytes(content)
