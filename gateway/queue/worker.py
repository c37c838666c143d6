"""Station 7's engine: so many deliveries at once, each attempt's end a value, what waits is claimed when it is due."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway import journal
from gateway.errors import HuitaineError, NoProtection, UnreadableDocument
from gateway.identifiers import LetterId
from gateway.letter import Addressed, AddressedLetter, Held, Proof, Step
from gateway.queue.afterwards import Noting
from gateway.queue.deliveries import Finishing
from gateway.queue.endings import Endings
from gateway.queue.finding import Finding, Ways
from gateway.queue.gate import Gate
from gateway.queue.habits import Habits
from gateway.queue.leases import Claiming, ClaimingOld, ClaimingOne, Lease, Recovering, Renewing
from gateway.queue.planning import Dispatch
from gateway.queue.road import Road
from gateway.queue.shares import Shares
from gateway.queue.store import Store
from gateway.queue.weights import Weights
from gateway.queue.words import unreadable

BUDGET = 64 * 2**20
"""Bytes of letters that may wait in memory for a slot; beyond it they wait on disk."""
REWRITE = 2.0
"""Seconds until an ending that could not be written is written again."""
BREATH = 0.05
"""The longest pause between two claims while more is due than there are slots."""
LOOKS = 5
"""How often in that time it is looked whether most have ended."""
REST = 0.2
"""The longest pause while what was claimed is under way: its destination's share may be all that is taken."""
OLD_AT_ONCE = 200
GoOn = Callable[[Step, Lease], Awaitable[Finishing]]


class Worker:
    """Carries deliveries; a crash of one attempt costs that attempt only."""

    def __init__(self, store: Store, road: Road, habits: Habits, *, gate: Gate, clock: Callable[[], datetime]) -> None:
        """Nothing runs before :meth:`start` or :meth:`sweep`."""
        self._store, self._road, self._habits, self._gate, self._clock = store, road, habits, gate, clock
        ways = Ways(readdress=road.readdress, leg=habits.leg, stops=habits.stops)
        self._finding = Finding(store, ways, clock=clock)
        self._shares, self._weights = Shares(habits.slots), Weights()
        self._endings = Endings(store=store, schedule=habits.schedule, route=habits.route, leg=habits.leg, clock=clock)
        self._running: dict[asyncio.Task[None], Lease] = {}
        self._claimed: Counter[str] = Counter()
        self._carried = 0
        self._ending = False

    @property
    def under_way(self) -> int:
        """How many deliveries are being worked on."""
        return len(self._running)

    def dispatch(self) -> Dispatch:
        """How the deliveries of one letter begin: in memory where their destination has room, else on disk."""
        asked: Counter[str] = Counter()

        def room(route: str) -> bool:
            asked[route] += 1
            backlog = self._shares.waiting(route) + asked[route]
            full = self.under_way + asked.total() > 4 * self._habits.slots or self._carried >= BUDGET
            idle = full or self._ending or self._store.on_hold
            return not idle and backlog <= self._habits.slots and self._habits.resting(route) is None

        return Dispatch(terms=self._habits.terms, route=self._habits.route, room=room)

    def start(self, letter: AddressedLetter, addressed: Addressed, lease: Lease) -> None:
        """Work on a delivery that was planned just now and is ours already."""
        step = Step(letter=letter, addressed=addressed, delivery=lease.delivery, attempt=lease.epoch)
        size = len(letter.parsed.kept.received.content)
        self._carried += size
        self._spawn(self._fresh(step, lease), lease, partial(self._put_down, size))

    async def sweep(self) -> int:
        """Claim what is due and has a free slot, what hangs has none; gives how many.

        A quarter of the slots is for what waited, however many new letters come: a retry must not starve.
        """
        slots = self._habits.slots
        if self._ending:
            return 0
        free = max(slots - self._moving, max(slots // 4, 1) - self._claimed.total())
        if free <= 0:
            return 0
        now = self._clock()
        wanted = self._wanted(await asyncio.to_thread(self._store.due, now), free)
        claims = [
            Claiming(terms=self._habits.terms, now=now, route=route, limit=limit) for route, limit in wanted.items()
        ]
        found = [lease for leases in await asyncio.gather(*map(self._store.claim, claims)) for lease in leases]
        sizes = await self._sizes(found)
        for lease in found:
            self._claimed[lease.route] += 1
            self._spawn(self._again(lease, sizes.get(lease.letter, 0)), lease, partial(self._let_go, lease.route))
        return len(found)

    async def _sizes(self, leases: Sequence[Lease]) -> Mapping[LetterId, int]:
        """How large each letter is; what is ours already goes on, even when the disk cannot tell."""
        with contextlib.suppress(SQLAlchemyError):
            return await asyncio.to_thread(self._store.sizes, [lease.letter for lease in leases])
        return {}

    async def catch_up(self) -> None:
        """Claim until nothing that is due is left on disk, as slots and shares of destinations become free."""
        pause = BREATH
        while (found := await self.sweep()) or self._claimed.total():
            pause = BREATH if found else min(2 * pause, REST)
            await self._most_have_ended(pause)

    @property
    def _moving(self) -> int:
        return self.under_way - self._shares.stalled

    async def _most_have_ended(self, patience: float) -> None:
        """What is claimed, read and ended together costs a third less: so not one by one, and not behind what hangs."""
        most = self._moving
        for _ in range(LOOKS):
            await asyncio.sleep(patience / LOOKS)
            if most and 4 * self._moving <= most:
                return

    async def renew(self) -> None:
        """Make the leases of all that is under way last."""
        leases = tuple(self._running.values())
        await self._store.renew(Renewing(terms=self._habits.terms, version=self._habits.version, leases=leases))

    async def recover(self, *, everything: bool = False, clean: bool = False) -> int:
        """Take back leases that ran out; after a start under the lock, or at a clean end, all of them.

        Ours are renewed first: a clock that was set forward, or a machine that slept, ends the lease of nobody alive.
        """
        if not everything:
            await self.renew()
        again = partial(self._habits.schedule.after, chance=0.5)
        recovering = Recovering(now=self._clock(), again=again, everything=everything, clean=clean)
        return await self._store.recover(recovering)

    async def try_suspects(self) -> None:
        """Before anything else begins: compose and seal alone what processes died of, and send nothing (F10)."""
        for delivery in await asyncio.to_thread(self._store.suspects):
            for lease in await self._store.claim_one(ClaimingOne(terms=self._habits.terms, delivery=delivery)):
                structlog.get_logger().warning("trial", letter_id=lease.letter, delivery_id=lease.delivery)
                await self._settle(lease, self._trial(lease))

    async def expire(self) -> None:
        """Give up what waits for a resting destination since before its time was over: nobody will get to try it."""
        before = self._clock() - self._habits.schedule.expire
        for route in await asyncio.to_thread(self._store.old_routes, before):
            if self._habits.resting(route) is None:
                continue
            claiming = ClaimingOld(terms=self._habits.terms, before=before, route=route, limit=OLD_AT_ONCE)
            for lease in await self._store.claim_old(claiming):
                await self._end(self._endings.expired(lease))

    def begin_nothing(self) -> None:
        """The process is about to stop: what has a place goes on, what waits for one is not begun any more."""
        self._ending = True
        self._shares.close()

    async def drain(self, seconds: float) -> None:
        """Let what is under way end, break off what does not, and give every lease back (F6); at the dot: ambiguous."""
        self.begin_nothing()
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        left = set(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if not self._store.broken:
            await self._store.note(Noting())  # endings that wait for the disk must not share the last commit
            await self.recover(everything=True, clean=True)

    def _wanted(self, due: Sequence[str], free: int) -> dict[str, int]:
        """How many to claim for each destination: in turns, and none that rests."""
        room = {route: self._room(route) for route in due if self._habits.resting(route) is None}
        wanted: Counter[str] = Counter()
        while free > wanted.total() and (open_ := [route for route in room if wanted[route] < room[route]]):
            wanted.update(open_[: free - wanted.total()])
        return wanted

    def _room(self, route: str) -> int:
        kept = max(self._shares.share(route) // 4, 1) - self._claimed[route]
        return max(self._shares.room(route), kept)

    def _spawn(self, work: Coroutine[None, None, None], lease: Lease, ended: Callable[[], None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running[task] = lease
        task.add_done_callback(lambda done: self._ended(done, ended))

    def _ended(self, task: asyncio.Task[None], ended: Callable[[], None]) -> None:
        del self._running[task]
        ended()

    def _put_down(self, size: int) -> None:
        self._carried -= size

    def _let_go(self, route: str) -> None:
        self._claimed[route] -= 1

    async def _fresh(self, step: Step, lease: Lease) -> None:
        await self._settle(lease, self._placed(step, lease, self._attempt))

    async def _again(self, lease: Lease, size: int) -> None:
        """A delivery that waited: read and address the letter again, then try."""
        await self._settle(lease, self._readdressed(lease, size, self._attempt))

    async def _trial(self, lease: Lease) -> Finishing | None:
        async def seal(step: Step, lease: Lease) -> Finishing:
            await self._road.seal(step)
            return self._endings.untried(lease, step)

        return await self._readdressed(lease, 0, seal)

    async def _settle(self, lease: Lease, attempt: Coroutine[None, None, Finishing | None]) -> None:
        try:
            ending = await attempt
        except Exception as error:  # noqa: BLE001 (atop a task: counted as transient)
            ending = self._endings.failed(lease, None, error)
        if ending is not None:
            await self._end(ending)

    async def _readdressed(self, lease: Lease, size: int, go_on: GoOn) -> Finishing | None:
        """A large letter waits on disk, not in memory, until there is room for it: hundreds may be due at once."""
        if lease.ambiguous and lease.proof >= Proof.DELIVERED:
            return self._endings.arrived(lease)
        async with self._room_for(lease.route, size):
            try:
                found = await self._finding.find(lease)
            except UnreadableDocument as error:
                return self._endings.held(lease, unreadable(error))
            if isinstance(found, Held):
                return self._endings.held(lease, found.reason)
            if found is None:
                return None
            if self._habits.route(found.addressed.mailbox) == lease.route and not self._shares.over(lease.route):
                return await go_on(found, lease)
        return await self._placed(found, lease, go_on)  # it goes elsewhere today, or others came who wait for a place

    async def _placed(self, step: Step, lease: Lease, go_on: GoOn) -> Finishing:
        size = len(step.letter.parsed.kept.received.content)
        async with self._room_for(self._habits.route(step.addressed.mailbox), size):
            return await go_on(step, lease)

    @contextlib.asynccontextmanager
    async def _room_for(self, route: str, size: int) -> AsyncIterator[None]:
        """A place of the destination, then a calm moment, then memory: always in this order, so that all come round."""
        async with self._shares.place(route):
            await self._gate.turn()
            async with self._weights.hold(size):
                yield

    async def _attempt(self, step: Step, lease: Lease) -> Finishing:
        before_dot = partial(self._store.reach_dot, lease) if self._habits.terms.record_dot else None
        try:
            sealed, done = await self._road.carry(step, before_dot=before_dot)
        except NoProtection as error:
            return self._endings.unprotected(step, lease, error)
        except Exception as error:  # noqa: BLE001 (atop a task: counted as transient)
            return self._endings.failed(lease, step, error)
        return self._endings.done(step, lease, sealed, done)

    async def _end(self, finishing: Finishing) -> None:
        """Write it, however long the disk takes: forgotten, it would stay leased, or be sent a second time."""
        while not self._store.broken:
            try:
                mine = await self._store.finish(finishing)
            except HuitaineError as error:
                structlog.get_logger().error(
                    "end-not-written", delivery_id=finishing.lease.delivery, status=error.status
                )
                await asyncio.sleep(REWRITE)
                continue
            for event in finishing.events if mine else ():
                journal.log(event)
            return
