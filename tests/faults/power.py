"""Promise A2: the power fails, and every byte that was not synced is gone; what was promised must still be there.

A shim (power.c) journals the gateway's writes and syncs; after the kill each file is rebuilt as it was at its last
sync, and a file whose folder was not synced after it was made is gone. Control: a store that syncs at checkpoints only.
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.campaign import Plan, drained, scene, until
from tests.faults.campaigns import Row, row
from tests.faults.ledger import Balance, balance, looking
from tests.faults.process import HONEST

NORMAL_SYNC = ("-m", "tests.faults.broken.less_sync", "NORMAL")
ROUNDS, LETTERS = int(os.environ.get("FAULT_CUTS", "20")), int(os.environ.get("FAULT_CUT_LETTERS", "500"))
_SOURCE = Path(__file__).with_name("power.c")


@dataclass(slots=True)
class Disk:
    """One file: what is safe, what was written since, and whether its name is safe."""

    safe: bytearray
    named: bool
    waiting: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Offset and bytes, or a length and ``None``."""

    def sync(self) -> None:
        """All that waits is safe now."""
        for offset, data in self.waiting:
            if data is None:
                del self.safe[offset:]
                self.safe.extend(bytes(offset - len(self.safe)))
                continue
            self.safe.extend(bytes(max(0, offset + len(data) - len(self.safe))))
            self.safe[offset : offset + len(data)] = data
        self.waiting.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``dropped`` bytes were written and never synced; ``cuts`` is how often the power failed."""

    balance: Balance
    cuts: int
    dropped: int
    died: list[str]
    forgotten: int
    """Promised letters that the store knows nothing of any more, delivered before or not."""

    @property
    def kept(self) -> bool:
        """Whether nothing promised was lost, forgotten or damaged."""
        return not (self.balance.wrong or self.died or self.forgotten)


def calls(journal: bytes) -> Iterator[tuple[str, str, int, bytes | None]]:
    """What the shim wrote: kind, path, offset or length, bytes. A last call that was cut short is not told."""
    at = 0
    while (end := journal.find(b"\n", at)) >= 0:
        kind, _, rest = journal[at:end].decode().partition(" ")
        at = end + 1
        if kind == "W":
            path, offset, size = rest.rsplit(" ", 2)
            if at + int(size) > len(journal):
                return
            yield kind, path, int(offset), journal[at : at + int(size)]
            at += int(size)
        elif kind == "T":
            path, length = rest.rsplit(" ", 1)
            yield kind, path, int(length), None
        else:
            yield kind, rest, 0, None


def rebuild(before: dict[str, bytes], journal: bytes) -> tuple[dict[str, bytes | None], int]:
    """The files as the disk has them after the cut (``None``: gone), and how many written bytes were dropped."""
    disks = {path: Disk(bytearray(content), named=True) for path, content in before.items()}
    unlinked: set[str] = set()
    for kind, path, number, data in calls(journal):
        if kind == "U":
            unlinked.add(path)
        elif kind == "S" and path not in disks:  # a folder: the names in it are safe
            for name in [name for name in disks if name.startswith(path + "/")]:
                disks[name].named = True
            for name in [name for name in unlinked if name.startswith(path + "/")]:
                disks.pop(name, None)
                unlinked.discard(name)
        elif kind == "S":
            disks[path].sync()
        else:
            disks.setdefault(path, Disk(bytearray(), named=False)).waiting.append((number, data))
    dropped = sum(len(data or b"") for disk in disks.values() for _, data in disk.waiting)
    gone = {path: None for path in before if path not in disks}
    return {**gone, **{path: bytes(disk.safe) if disk.named else None for path, disk in disks.items()}}, dropped


def cut(data: Path, before: dict[str, bytes], journal: Path) -> int:
    """Leave in ``data`` what a disk would have; gives the bytes that were dropped."""
    found, dropped = rebuild(before, journal.read_bytes() if journal.exists() else b"")
    for path, content in found.items():
        if content is None:
            Path(path).unlink(missing_ok=True)
        else:
            Path(path).write_bytes(content)
    for shared in data.glob("*-shm"):
        shared.unlink()
    journal.unlink(missing_ok=True)
    return dropped


def databases(data: Path) -> dict[str, bytes]:
    """What the disk holds at the start."""
    return {str(path): path.read_bytes() for path in data.iterdir() if path.name.endswith((".db", "-wal"))}


async def cut_power(folder: Path, *, rounds: int, letters: int, entry: Sequence[str] = HONEST) -> Told:
    """``rounds`` times: ``letters`` letters, the power fails at one of them, a start on what is left."""
    folder.mkdir(parents=True)
    journal, data = folder / "journal", folder / "scene" / "gateway" / "data"
    where = {"HUITAINE_POWER_FOLDER": str(data), "HUITAINE_POWER_JOURNAL": str(journal)}
    dropped, plan = 0, Plan(entry=entry, cut=0, largest=8_000)
    async with scene(folder / "scene", plan, shim=_SOURCE, environment=where) as here:
        await asyncio.to_thread(here.gateway.stop)
        journal.unlink(missing_ok=True)
        heard = here.hospital.heard
        for number in range(1, rounds + 1):
            before = databases(data)
            await asyncio.to_thread(here.gateway.open)
            sending = asyncio.create_task(here.hospital.hand_in(letters))
            wanted = len(heard.yes) + random.randint(letters // 3, letters * 9 // 10)
            await until(lambda wanted=wanted: len(heard.yes) >= wanted)  # type: ignore[misc]
            await asyncio.to_thread(here.gateway.kill)
            dropped += await asyncio.to_thread(cut, data, before, journal)
            await asyncio.to_thread(here.gateway.open)
            await sending
            await drained(here)
            await asyncio.to_thread(here.gateway.stop)
            journal.unlink(missing_ok=True)
            print(f"{number} power cuts, {len(heard.yes)} promised, {dropped >> 10} KiB dropped", flush=True)
        found = balance(here.place.database, heard.yes, here.hop.arrivals())
        with looking(here.place.database) as connection:
            known = {row[0][-20:] for row in connection.execute("SELECT id FROM letter")}
        forgotten = len({yes.letter for yes in heard.yes} - known)
        return Told(balance=found, cuts=rounds, dropped=dropped, died=here.gateway.died, forgotten=forgotten)


async def a2(folder: Path) -> Row:
    """Twenty power cuts under load."""
    told = await cut_power(folder / "a2", rounds=ROUNDS, letters=LETTERS)
    control = await cut_power(folder / "a2-control", rounds=1, letters=100, entry=NORMAL_SYNC)
    for what in (*told.balance.wrong[:20], *told.died):
        print(f"A2: {what}", flush=True)
    return row(
        "A2",
        control=bool(control.forgotten),
        kept=told.kept,
        acknowledged=told.balance.acknowledged,
        lost=len(told.balance.lost),
        duplicated=told.balance.duplicated,
        unexplained=len(told.balance.unexplained) + len(told.balance.strangers),
        damaged=len(told.balance.damaged),
        rounds=told.cuts,
        forgotten=told.forgotten,
        bytes_dropped=told.dropped,
        died_at_start=len(told.died),
    )
