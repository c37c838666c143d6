"""Promise A6: a disk that fills up under load: a small file system of our own, filled, freed, filled to the brim."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign import Plan, Scene, drained, scene, until
from tests.faults.campaigns import Row, row
from tests.faults.ledger import Balance, balance
from tests.faults.process import HONEST

NEVER_LOOKS = ("-m", "tests.faults.broken.never_looks")
MEGABYTES = 200
RECOVERS = 5.0
"""Seconds after which letters are taken again (promises.md A6)."""
_QUIET, _LONGEST = 3.0, 30.0
LETTERS = int(os.environ.get("FAULT_NARROW", "1500"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``refused`` are the answers that were no promise; ``recovered`` the seconds after which letters came again."""

    balance: Balance
    refused: frozenset[str]
    recovered: tuple[float, ...]
    exit_code: int | None

    @property
    def told_at_mail(self) -> bool:
        """Whether SMTP clients heard it before they sent a letter, with the code that says so."""
        return any(answer.startswith("452 4.3.1") and answer.endswith("[MAIL]") for answer in self.refused)

    @property
    def well(self) -> bool:
        """Nothing lost, everybody told to come again, nobody told for ever, and letters again by and by."""
        said = {answer[:1] for answer in self.refused if "MSH|" not in answer} <= {"4"}
        again = all("\rMSA|AR|" in answer for answer in self.refused if "MSH|" in answer)
        came = all(seconds < _LONGEST for seconds in self.recovered)
        return not self.balance.wrong and self.told_at_mail and said and again and came and self.exit_code is None

    @property
    def kept(self) -> bool:
        """The same, and letters again in time: for a machine that has nothing else to do."""
        return self.well and all(seconds <= RECOVERS for seconds in self.recovered)


async def fill_up(folder: Path, *, letters: int, entry: Sequence[str] = HONEST, brim: bool = True) -> Told:
    """The disk is filled below the share to be kept, freed, filled to the last byte, freed, while letters come.

    At least ``letters`` of them are promised in the end.
    """
    plan = Plan(entry=entry, cut=0, folder=1, share=0.1)
    with _small_disk(folder / "gateway") as disk:
        async with scene(folder, plan) as here:
            return await _filled_twice(here, disk, letters, brim=brim)


async def _filled_twice(here: Scene, disk: Path, letters: int, *, brim: bool) -> Told:
    yes, over = here.hospital.heard.yes, asyncio.Event()

    async def pour() -> None:
        while not over.is_set():
            await here.hospital.hand_in(max(letters // 4, 10))

    pouring = asyncio.create_task(pour())
    recovered = []
    for part, leaving in ((letters // 3, 0.05), (2 * letters // 3, 0.0))[: 1 + brim]:
        await until(lambda part=part: len(yes) >= part or not here.gateway.alive)  # type: ignore[misc]
        recovered.append(await _filled(here, disk, leaving=leaving))
    await until(lambda: len(yes) >= letters or not here.gateway.alive)
    over.set()
    await asyncio.wait({pouring}, timeout=_LONGEST)
    pouring.cancel()
    await drained(here)
    code = here.gateway.exit_code
    await asyncio.to_thread(here.gateway.stop)
    return Told(
        balance=balance(here.place.database, here.hospital.heard.yes, here.hop.arrivals()),
        refused=frozenset(here.hospital.heard.no),
        recovered=tuple(recovered),
        exit_code=code,
    )


async def _filled(here: Scene, disk: Path, *, leaving: float) -> float:
    """Fill, wait until nothing is promised any more and somebody was told so (or long enough), free.

    Gives how long the next promise took.
    """
    loop, heard = asyncio.get_running_loop(), here.hospital.heard
    ballast = disk / "ballast"
    await asyncio.to_thread(_fill, ballast, leaving)
    latest, seen, told, since = loop.time() + _LONGEST, len(heard.yes), len(heard.no), loop.time()
    # A busy machine is quiet too: that nothing is promised says little as long as nobody was refused.
    while loop.time() < latest and (loop.time() - since < _QUIET or len(heard.no) == told):
        await asyncio.sleep(0.05)
        if len(heard.yes) != seen:
            seen, since = len(heard.yes), loop.time()
    ballast.unlink()
    freed = loop.time()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST):
            await until(lambda: len(heard.yes) > seen)
    return loop.time() - freed


def _fill(ballast: Path, leaving: float) -> None:
    usage = shutil.disk_usage(ballast.parent)
    with ballast.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(usage.free - int(usage.total * leaving), 4096))
        while leaving == 0:
            file.seek(0, os.SEEK_END)
            file.write(bytes(4096))
            file.flush()


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system in memory; only root may mount one."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "huitaine-a6", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def a6(folder: Path) -> Row:
    """The disk fills up twice under load."""
    told = await fill_up(folder / "a6", letters=LETTERS)
    control = await fill_up(folder / "a6-control", letters=200, entry=NEVER_LOOKS, brim=False)
    for what in told.balance.wrong[:20]:
        print(f"A6: {what}", flush=True)
    return row(
        "A6",
        control=not control.told_at_mail,
        kept=told.kept,
        acknowledged=told.balance.acknowledged,
        lost=len(told.balance.lost),
        duplicated=told.balance.duplicated,
        unexplained=len(told.balance.unexplained) + len(told.balance.strangers),
        recovered_after_seconds=[round(seconds, 2) for seconds in told.recovered],
        answers=sorted(answer[:60] for answer in told.refused if "MSH|" not in answer),
    )
