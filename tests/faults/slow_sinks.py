"""Live destinations beside a dead one, over the real store and worker: hand-overs take their time, nothing else."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.crypto.vault import create_master_key
from gateway.letter import AddressedLetter, Done, KeptLetter, SealedMail, Step
from gateway.moments import utc_now
from gateway.queue.gate import Gate
from gateway.queue.habits import Habits, domain
from gateway.queue.leases import Terms
from gateway.queue.planning import Dispatch, make_plan
from gateway.queue.shares import Shares
from gateway.queue.store import Limits, Store
from gateway.queue.worker import Worker
from gateway.rest import RestVault
from tests.faults.campaigns import Row, row
from tests.unit.joints.joined import SCHEDULE, NoStays
from tests.unit.queue.letters import addressed, letter

DEAD = "dead.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """So many letters to each of ``live`` destinations, and four times the places to the dead one, all due at once.

    ``at_once`` live hand-overs must be under way together before the first of them ends.
    """

    live: int
    letters: int
    slots: int
    hop_seconds: float
    at_once: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    delivered: int
    seconds: float
    waited_for_the_dead: int


@dataclass(slots=True, kw_only=True)
class Road:
    """A hand-over takes ``hop_seconds``; the dead destination's never end by themselves."""

    hop_seconds: float
    wanted: int
    at_once: int
    delivered: int = 0
    begun: int = 0
    hanging: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry(
        self, step: Step, *, before_dot: Callable[[], Awaitable[None]] | None = None
    ) -> tuple[SealedMail, Done]:
        mailbox = step.addressed.mailbox
        if mailbox.endswith(DEAD):
            self.hanging += 1
            await asyncio.Event().wait()
        self.begun += 1
        if self.begun >= self.at_once:
            self.enough.set()
        await self.enough.wait()
        await asyncio.sleep(self.hop_seconds)
        if before_dot:
            await before_dot()
        self.delivered += 1
        if self.delivered >= self.wanted:
            self.all_there.set()
        return await self.seal(step), Done(at=utc_now())

    async def seal(self, step: Step) -> SealedMail:
        return SealedMail(
            letter=step.letter.parsed.id,
            delivery=step.delivery,
            message_id="<x@y>",
            sender="",
            mailbox=step.addressed.mailbox,
            content=b"",
            protected_by="mss-tls",
            sealed_at=utc_now(),
        )

    async def readdress(self, kept: KeptLetter) -> list[AddressedLetter]:
        return [addressed(kept, mailbox=kept.received.envelope.recipients[0].address)]


async def race(folder: Path, plan: Race, *, dead: bool) -> Finish:
    """Everything waits on disk; the clock runs until the live destinations have all of theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    create_master_key(folder / "master-key")
    store = Store(folder / "data", RestVault.open(folder / "master-key"), limits=Limits(free_share=0), clock=utc_now)
    road = Road(hop_seconds=plan.hop_seconds, wanted=plan.live * plan.letters, at_once=plan.at_once)
    habits = Habits(terms=Terms(node="n"), slots=plan.slots, schedule=SCHEDULE, leg=NoStays().leg)
    worker = Worker(store, road, habits, gate=Gate(store.waited), clock=utc_now)
    try:
        if dead:
            await fill(store, [f"x{n}@{DEAD}" for n in range(4 * plan.slots)])
        await fill(store, [f"x{n}@live{host}.example" for n in range(plan.letters) for host in range(plan.live)])
        began = time.monotonic()
        sweeping = asyncio.create_task(_sweep(worker))
        try:
            await road.all_there.wait()
            return Finish(delivered=road.delivered, seconds=time.monotonic() - began, waited_for_the_dead=road.hanging)
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
            await worker.drain(0)
            await asyncio.gather(*worker._running, return_exceptions=True)
    finally:
        store.close()


async def fill(store: Store, mailboxes: Sequence[str]) -> None:
    """A due delivery for each."""

    async def one(mailbox: str) -> None:
        kept = await store.keep(letter(to=mailbox))
        dispatch = Dispatch(terms=Terms(node="n"), route=domain, room=lambda _: False)
        plan = make_plan(store, [addressed(kept, mailbox=mailbox)], now=utc_now(), dispatch=dispatch)
        await store.plan(plan.planning)

    for first in range(0, len(mailboxes), 100):
        await asyncio.gather(*map(one, mailboxes[first : first + 100]))


async def _sweep(worker: Worker) -> None:
    while True:
        await worker.catch_up()
        await asyncio.sleep(0.05)


async def b6(folder: Path) -> Row:
    """One dead and nine live destinations; FAULT_B6_LETTERS to each live one."""
    plan = Race(live=9, letters=int(os.environ.get("FAULT_B6_LETTERS", "200")), slots=50, hop_seconds=0.05)
    alone = await race(folder / "alone", plan, dead=False)
    beside = await race(folder / "beside", plan, dead=True)
    share = round(alone.seconds / beside.seconds, 3)
    return row(
        "B6",
        control=await _starved(folder / "control", plan, 3 * alone.seconds),
        acknowledged=beside.delivered,
        figure=share,
        target=0.9,
        unit="live rate beside a dead destination / alone",
        kept=share >= 0.9,
    )


def without_shares(shares: Shares, _: str) -> int:
    """Every place, lent ones too, to whoever asks first."""
    return 2 * shares._slots


async def _starved(folder: Path, plan: Race, seconds: float) -> bool:
    """Without shares the live ones do not come through in three times the time."""
    real, Shares.share = Shares.share, without_shares  # type: ignore[method-assign,assignment]
    try:
        async with asyncio.timeout(seconds + 5):
            await race(folder, plan, dead=True)
    except TimeoutError:
        return True
    finally:
        Shares.share = real  # type: ignore[method-assign]
    return False
