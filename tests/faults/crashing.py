"""Promise A3 at named instants: each start of the gateway is told where to die, and has to die there.

Letters come all the time over every door; the next start, which recovers what the death left, already carries its own
order to die. At the end one start lives, and everything promised must have arrived.
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.campaign import drained, release_what_was_set_aside, until
from tests.faults.hop import Hop, running_hop
from tests.faults.ledger import Balance, balance, left_to_do
from tests.faults.nursery import Nursery, Orphan, warm
from tests.faults.place import Place, prepare
from tests.faults.points import CRASH_AT, DEATH, POINTS
from tests.faults.process import BURIED, START_SECONDS, GatewayProcess, descendants, still_there
from tests.faults.sender import Hospital
from tests.peers.authority import make_authority

PATIENCE = 40.0
"""Seconds in which a point must be reached; a label that is not is a broken test, not a kept promise."""
_QUOTA, _ENOUGH = 60, 150
_STOP_AFTER = 10
_MORE = "\n[escalation]\nwarn_sender_minutes = 0.001\n\n[retention]\nbody_hours = 0.0\n"
_SHIM = Path(__file__).with_name("dying_write.c")


@dataclass(slots=True, kw_only=True)
class Told:
    """What a campaign over the crash points found out."""

    balance: Balance
    reached: Counter[str]
    missed: list[str]
    """Orders to die that were not obeyed."""
    orphans: int
    died: list[str]
    """Deaths that nobody ordered."""
    refused: list[str]
    set_aside: int
    """Letters that waited for a person in the end, because they were in hand at several deaths."""

    @property
    def kept(self) -> bool:
        """Whether every promise held and every label was reached."""
        return not (self.balance.wrong or self.missed or self.orphans or self.died)


class ForkedGateway(GatewayProcess):
    """A gateway out of the nursery; ``environment`` may change between two starts."""

    def __init__(self, place: Place, log: Path, nursery: Nursery) -> None:
        super().__init__(place, log)
        self._nursery, self._settings = nursery, place.settings
        self.environment: dict[str, str] = {}

    def launch(self) -> Orphan:
        return self._nursery.born(
            ["--config", str(self._settings), "serve"], {**os.environ, **self.environment}, self.log
        )


@dataclass(slots=True, kw_only=True)
class _Scene:
    place: Place
    hop: Hop
    gateway: ForkedGateway
    hospital: Hospital
    reached: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    orphans: int = 0
    died: list[str] = field(default_factory=list)


def orders(times: int, labels: Sequence[str] = tuple(POINTS)) -> list[tuple[str, int]]:
    """Every label so many times, each at another of its calls, in random order."""
    wanted = [(label, random.randint(1, POINTS[label].most)) for label in labels for _ in range(times)]
    random.shuffle(wanted)
    return wanted


async def die_everywhere(folder: Path, wanted: Sequence[tuple[str, int]]) -> Told:
    """One death for each of ``wanted``, then a life in which everything arrives."""
    async with _scene(folder) as here:
        sending = asyncio.create_task(here.hospital.hand_in(_QUOTA))
        for number, (label, count) in enumerate(wanted, 1):
            sending = await _die(here, label, count, sending)
            if number % 20 == 0:
                print(f"{number} of {len(wanted)} deaths, {len(here.hospital.heard.yes)} promised", flush=True)
        here.gateway.environment = {CRASH_AT: ""}
        await asyncio.to_thread(here.gateway.open)
        await sending
        await drained(here)
        aside = await asyncio.to_thread(release_what_was_set_aside, here.place)
        await drained(here)
        await asyncio.to_thread(here.gateway.stop)
        return _told(here, aside)


def _told(here: _Scene, aside: int) -> Told:
    heard = here.hospital.heard
    return Told(
        balance=balance(here.place.database, heard.yes, here.hop.arrivals()),
        reached=here.reached,
        missed=here.missed,
        orphans=here.orphans,
        died=here.died + here.gateway.died,
        refused=heard.no,
        set_aside=aside,
    )


@contextlib.asynccontextmanager
async def _scene(folder: Path) -> AsyncIterator[_Scene]:
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    with running_hop(authority, folder / "arrivals", cut=0.02, defer=0.02) as hop:
        place = prepare(folder / "gateway", authority, hop.port, drop=True, readers=1, more=_MORE)
        gateway = ForkedGateway(place, folder / "serve.log", warm(_SHIM))
        try:
            yield _Scene(
                place=place, hop=hop, gateway=gateway, hospital=Hospital(place, smtp=6, mllp=2, folder=2, largest=3_000)
            )
        finally:
            gateway.end()


async def _die(here: _Scene, label: str, count: int, sending: asyncio.Task[None]) -> asyncio.Task[None]:
    """One start that must end at ``label``."""
    gateway = here.gateway
    gateway.environment = {CRASH_AT: f"{label}:{count}"}
    gateway.start()
    loop = asyncio.get_running_loop()
    await _until(lambda: not gateway.alive or gateway.is_open, START_SECONDS)
    children = descendants(gateway.pid)
    stop_at = len(here.hospital.heard.yes) + _STOP_AFTER if POINTS[label].needs == "stop" else None
    latest = loop.time() + PATIENCE
    while gateway.alive and loop.time() < latest:
        if stop_at is not None and len(here.hospital.heard.yes) > stop_at:
            os.kill(gateway.pid, signal.SIGTERM)
            stop_at = None
        if sending.done() and await asyncio.to_thread(left_to_do, here.place.database) < _ENOUGH:
            sending = asyncio.create_task(here.hospital.hand_in(_QUOTA))
        await asyncio.sleep(0.01)
    _note(here, label, count)
    here.orphans += len(await asyncio.to_thread(still_there, children, seconds=BURIED))
    return sending


def _note(here: _Scene, label: str, count: int) -> None:
    gateway, said = here.gateway, here.gateway.said()
    if gateway.alive:
        here.missed.append(f"{label}:{count}")
        gateway.kill()
    elif gateway.exit_code == -signal.SIGKILL and DEATH.format(label=label).encode() in said:
        here.reached[label] += 1
    else:
        here.died.append(f"{label}:{count} exit {gateway.exit_code}: " + said[-1500:].decode(errors="replace"))


async def _until(true: Callable[[], bool], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until(true)
