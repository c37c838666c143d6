"""Promise A3: kill -9 at any moment loses no acknowledged letter, and a letter that leaves twice is known to have."""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.control import order
from tests.faults.hop import Hop, running_hop
from tests.faults.ledger import Balance, balance, left_to_do, looking
from tests.faults.nursery import warm
from tests.faults.place import Place, prepare
from tests.faults.process import HONEST, GatewayProcess
from tests.faults.sender import Hospital
from tests.peers.authority import make_authority

EARLY_YES = ("-m", "tests.faults.broken.early_yes")
_DRAIN_SECONDS = 120.0
"""Without one letter fewer: a hundred rounds on a busy machine leave thousands to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is tried. Every ``twice``-th round (0: none) kills the restarted gateway once more while it recovers."""

    rounds: int = 10
    letters: int = 500
    entry: Sequence[str] = HONEST
    cut: float = 0.01
    twice: int = 3
    smtp: int = 8
    mllp: int = 2
    folder: int = 0
    largest: int = 45_000
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a campaign found out."""

    balance: Balance
    kills: int
    orphans: int
    resent: int
    refused: list[str]
    died: list[str]
    set_aside: int = 0
    """Letters that waited for a person in the end, because they were in hand at several deaths."""

    @property
    def kept(self) -> bool:
        """Whether every promise of the campaign held."""
        return not (self.balance.wrong or self.orphans or self.died)


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything that takes part."""

    place: Place
    hop: Hop
    gateway: GatewayProcess
    hospital: Hospital


async def campaign(folder: Path, plan: Plan) -> Told:
    """``plan.rounds`` times: ``plan.letters`` letters, a kill at a random one of them, a restart, all of them promised.

    The next round begins at once, so that letters of many rounds are on their way when the gateway dies.
    """
    async with scene(folder, plan) as here:
        for number in range(1, plan.rounds + 1):
            await _round(here, plan, again=bool(plan.twice) and number % plan.twice == 0)
            if number % 10 == 0:
                print(
                    f"{number} rounds: {len(here.hospital.heard.yes)} promised, {here.gateway.kills} kills", flush=True
                )
        await drained(here)
        aside = await asyncio.to_thread(release_what_was_set_aside, here.place)
        await drained(here)
        await asyncio.to_thread(here.gateway.stop)
        heard = here.hospital.heard
        return Told(
            balance=balance(here.place.database, heard.yes, here.hop.arrivals()),
            kills=here.gateway.kills,
            orphans=here.gateway.orphans,
            resent=heard.broken,
            refused=heard.no,
            died=here.gateway.died,
            set_aside=aside,
        )


@contextlib.asynccontextmanager
async def scene(folder: Path, plan: Plan, *, shim: Path | None = None, **gateway: object) -> AsyncIterator[Scene]:
    """A running gateway between a hospital and a hop; all of it is gone afterwards.

    It carries the library of which ``shim`` is the source.
    """
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    with running_hop(authority, folder / "arrivals", cut=plan.cut) as hop:
        gateway |= {"entry": plan.entry, "nursery": warm(shim) if shim else None}
        place = prepare(folder / "gateway", authority, hop.port, drop=bool(plan.folder), share=plan.share)
        hospital = Hospital(place, smtp=plan.smtp, mllp=plan.mllp, folder=plan.folder, largest=plan.largest)
        process = GatewayProcess(place, folder / "serve.log", **gateway)  # type: ignore[arg-type]
        try:
            await asyncio.to_thread(process.open)
            yield Scene(place=place, hop=hop, gateway=process, hospital=hospital)
        finally:
            process.end()


async def drained(here: Scene) -> None:
    """Come back once nothing waits, or when waiting any longer would not help: the balance then tells what is left."""
    loop = asyncio.get_running_loop()
    least, until = math.inf, loop.time() + _DRAIN_SECONDS
    while left := await asyncio.to_thread(left_to_do, here.place.database):
        if left < least:
            least, until = left, loop.time() + _DRAIN_SECONDS
        if loop.time() > until or not here.gateway.alive:
            return
        await asyncio.sleep(0.2)


def release_what_was_set_aside(place: Place) -> int:
    """A letter that was in hand at several deaths is taken for their cause (F10) and waits for a person: one comes."""
    with looking(place.database) as connection:
        held = connection.execute("SELECT letter_id FROM delivery WHERE state = 'held' AND reason LIKE '%-broken'")
        letters = [row[0] for row in held]
    for letter in letters:
        release = {"act": "release", "letter": letter, "why": "the campaign killed it", "actor": "campaign"}
        assert order(place.database.with_name("control.sock"), release)["deliveries"], letter
    return len(letters)


async def until(true: Callable[[], bool]) -> None:
    """Look again every two milliseconds: what is waited for happens in another process."""
    while not true():  # noqa: ASYNC110 (no event of ours tells it)
        await asyncio.sleep(0.002)


async def _round(here: Scene, plan: Plan, *, again: bool) -> None:
    heard = here.hospital.heard
    wanted = len(heard.yes) + random.randint(plan.letters // 20, plan.letters * 19 // 20)
    sending = asyncio.create_task(here.hospital.hand_in(plan.letters))
    await until(lambda: len(heard.yes) >= wanted or sending.done())
    await asyncio.sleep(random.uniform(0, 0.03))
    await asyncio.to_thread(here.gateway.kill)
    if again:
        here.gateway.start()
        await asyncio.sleep(random.uniform(0.2, 5))
        await asyncio.to_thread(here.gateway.kill)
    await asyncio.to_thread(here.gateway.open)
    await sending
