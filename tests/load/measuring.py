"""One gateway under one stream of letters, measured from outside: what D2, D5 and D7 have in common."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.campaign import Plan, Scene, scene
from tests.faults.process import HONEST, ROOT, descendants

DOORS_ONLY = ("-m", "tests.load.doors_only")
_SLOW_SYNC = Path(__file__).with_name("slow_sync.c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How letters come: ``rate`` a second (0: as fast as the sessions can), ``size`` bytes each."""

    rate: float
    seconds: float
    size: int = 50_000
    sessions: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """``seen`` is the generator's own account; ``memory`` the most bytes the gateway and its children had resident."""

    seen: dict[str, Any]
    memory: int
    alive: bool


async def measure(
    folder: Path, streams: Sequence[Stream], *, entry: Sequence[str] = HONEST, slow: int = 0
) -> list[Measured]:
    """Send each stream through one gateway after the other; ``slow`` milliseconds are added to each fsync."""
    folder.mkdir(parents=True)
    environment = {"LD_PRELOAD": str(slow_disk(folder)), "HUITAINE_SYNC_MS": str(slow)} if slow else {}
    plan = Plan(entry=entry, cut=0, mllp=0)
    async with scene(folder / "scene", plan, environment=environment) as here:
        return [await _measured(here, stream) for stream in streams]


def slow_disk(folder: Path) -> Path:
    """The shim; raises FileNotFoundError where there is no C compiler."""
    made = folder / "slow_sync.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(made), str(_SLOW_SYNC), "-ldl"], check=True)
    return made


async def _measured(here: Scene, stream: Stream) -> Measured:
    place = here.place
    arguments = [place.smtps, place.ca, place.login, place.password]
    arguments += [stream.rate, stream.seconds, stream.size, stream.sessions]
    command = [sys.executable, "-m", "tests.load.generator", *map(str, arguments)]
    generator = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    watching = asyncio.create_task(_most_memory(here))
    try:
        told, _ = await generator.communicate()
    finally:
        watching.cancel()
        with contextlib.suppress(ProcessLookupError):
            generator.kill()
    return Measured(seen=json.loads(told), memory=_most.pop(here.gateway.pid, 0), alive=here.gateway.alive)


_most: dict[int, int] = {}


async def _most_memory(here: Scene) -> None:
    pid = here.gateway.pid
    while True:
        now = sum(map(_resident, [pid, *descendants(pid)]))
        _most[pid] = max(_most.get(pid, 0), now)
        await asyncio.sleep(0.2)


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
