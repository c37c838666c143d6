"""Promise F10: a letter that ends its reader or the process is set aside alone after three crashes; others go on."""

# ruff: noqa: F811 (fixtures of the queue's own tests)

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.document import Reading
from gateway.errors import ReadingFailed, StorageUnavailable
from gateway.queue.store import Store
from tests.unit.joints.joined import Joined, reading
from tests.unit.queue.conftest import Clock, clock, opened, store, vault  # noqa: F401 (fixtures)
from tests.unit.queue.letters import letter

ROOT = Path(__file__).resolve().parents[2]
POISON = b"poison"


async def _reader(content: bytes) -> Reading:
    if content == POISON:
        raise ReadingFailed("reader-died")
    return reading()


async def test_f10_a_letter_that_kills_its_reader_is_set_aside_after_three_crashes_over_restarts(
    opened: Callable[[], Store],
    clock: Clock,
):
    joined = Joined.make(opened(), clock)
    joined.road.read_it = _reader
    bad, good = await joined.journey.keep(letter(POISON)), await joined.journey.keep(letter(b"good"))
    await joined.settled()
    for crashes in (1, 2):
        assert joined.store.unplanned() == {bad.id: crashes}
        joined = Joined.make(opened(), clock)  # a restart forgets what is only in memory
        joined.road.read_it = _reader
        await joined.round()
    assert (joined.row(bad)["state"], joined.row(bad)["reason"]) == ("held", "reader-broken")
    assert joined.row(good)["state"] == "done"


async def test_f10_an_innocent_letter_that_was_set_aside_goes_its_way_once_it_can_be_read(
    opened: Callable[[], Store],
    clock: Clock,
):
    joined = Joined.make(opened(), clock)
    kept = await joined.store.keep(letter())
    for _ in range(3):
        await joined.store.strike([kept.received.id])  # the process was killed while it happened to be in hand
    await joined.round()
    assert (joined.row(kept)["state"], joined.row(kept)["reason"]) == ("held", "reader-broken")
    await joined.an_hour_later()
    await joined.round()
    assert joined.row(kept)["state"] == "done"


async def test_f10_control_a_disk_that_fails_is_not_held_against_the_letter(
    opened: Callable[[], Store],
    clock: Clock,
):
    async def broken(content: bytes) -> Reading:
        raise StorageUnavailable("directory")

    joined = Joined.make(opened(), clock)
    joined.road.read_it = broken
    kept = await joined.journey.keep(letter())
    for _ in range(6):
        await joined.round()
        clock.forward(hours=1)
    assert joined.store.unplanned() == {kept.id: 0}


_DIES = """
import asyncio, os, sys
from pathlib import Path
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from tests.unit.joints.joined import Joined, reading
from tests.unit.queue.conftest import Clock

async def reads(content):
    if content == b"poison":
        os.abort()
    return reading()

async def main(folder):
    clock = Clock()
    store = Store(folder / "data", RestVault.open(folder / "master-key"), limits=Limits(free_share=0), clock=clock)
    joined = Joined.make(store, clock)
    joined.road.read_it = reads
    await joined.worker.recover(everything=True)
    await joined.worker.try_suspects()
    for _ in range(3):
        await joined.round()
    store.close()

asyncio.run(main(Path(sys.argv[1])))
"""


def lives(folder: Path) -> bool:
    """Whether a process of the gateway's engine comes through a round."""
    done = subprocess.run(
        [sys.executable, "-c", _DIES, str(folder)], cwd=ROOT, check=False, capture_output=True, timeout=100
    )
    assert done.returncode in (0, -6), done.stderr.decode()[-2000:]
    return done.returncode == 0


async def test_f10_a_letter_that_ends_the_whole_process_is_set_aside_and_the_others_go_on(
    opened: Callable[[], Store],
    clock: Clock,
    tmp_path: Path,
):
    first = opened()
    bad, good = await first.keep(letter(POISON)), await first.keep(letter(b"good"))
    first.close()
    outcomes = [await asyncio.to_thread(lives, tmp_path) for _ in range(4)]
    assert outcomes == [False, False, False, True]
    joined = Joined.make(opened(), clock)
    assert (joined.row(bad)["state"], joined.row(bad)["reason"]) == ("held", "reader-broken")
    assert joined.row(good)["state"] == "done"


async def test_f10_a_delivery_that_ends_the_process_when_it_is_composed_is_set_aside_by_its_trial(
    opened: Callable[[], Store],
    clock: Clock,
    tmp_path: Path,
):
    joined = Joined.make(opened(), clock)

    joined.keeper.worker = None  # planned, and left on the disk
    kept = await joined.journey.keep(letter(POISON))
    await joined.keeper.drain(30)
    outcomes = [await asyncio.to_thread(lives, _closed(joined, tmp_path)) for _ in range(4)]
    assert outcomes == [False, False, False, True]
    joined = Joined.make(opened(), clock)
    assert (joined.row(kept)["state"], joined.row(kept)["reason"]) == ("held", "worker-broken")


def _closed(joined: Joined, folder: Path) -> Path:
    joined.store.close()
    return folder
