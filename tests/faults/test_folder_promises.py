"""A3 at the drop folder: a whole gateway, killed among the files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo import letters
from gateway.moments import utc_now
from tests.faults.ledger import looking
from tests.faults.place import RETRY, Place, prepare
from tests.faults.process import GatewayProcess
from tests.peers.authority import make_authority

pytestmark = pytest.mark.timeout(300)


@contextlib.asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[tuple[Place, GatewayProcess, Path]]:
    """A gateway as its own process, and the folder that it empties."""
    (folder / "tls").mkdir(parents=True)
    place = prepare(folder / "gateway", make_authority(folder / "tls"), hop_port=9)
    drop = folder / "drop"
    text = place.settings.read_text(encoding="utf-8").replace(f"[{RETRY}]", "[600]")
    text += f'\n[folder]\npath = "{drop}"\ninterval_seconds = 0.05\nsettle_seconds = 0.05\n'
    place.settings.write_text(text, encoding="utf-8")
    process = GatewayProcess(place, folder / "serve.log")
    try:
        await asyncio.to_thread(process.open)
        yield place, process, drop
    finally:
        process.end()


def put(drop: Path, count: int, *, first: int = 0) -> None:
    """Files appear whole, as most software lets them: written aside, then renamed."""
    record = letters.hprim_lab(utc_now())
    for number in range(first, first + count):
        aside = drop / f".L{number}.part"
        aside.write_bytes(record.replace(b"26D0012345", b"%010d" % number))
        aside.rename(drop / f"L{number}.hpr")


def kept(place: Place) -> int:
    with looking(place.database) as connection:
        return int(connection.execute("SELECT count(*) FROM letter WHERE door = 'folder'").fetchone()[0])


def left(drop: Path) -> int:
    return len(list(drop.glob("*.hpr")))


async def until(true, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110  a folder has no event
            await asyncio.sleep(0.02)


async def test_a3_files_survive_a_gateway_that_is_killed_among_them_and_each_is_one_letter(tmp_path: Path):
    async with gateway(tmp_path) as (place, process, drop):
        put(drop, 40)
        for taken in (8, 25):
            await until(lambda taken=taken: 40 - left(drop) >= taken)
            await asyncio.to_thread(process.kill)
            await asyncio.to_thread(process.open)
        await until(lambda: left(drop) == 0)
        assert kept(place) == 40
        names = sorted(path.name.partition("_")[2] for path in (drop / "taken").iterdir())
        assert names == sorted(f"L{number}.hpr" for number in range(40))
        assert not list((drop / "refused").iterdir())
