"""Stations 2 and 7 as the journey calls them: durable on return, and work that goes on behind a door's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from gateway import journal
from gateway.document import Movement
from gateway.errors import HuitaineError
from gateway.identifiers import LetterId
from gateway.letter import Addressed, AddressedLetter, KeptLetter, ReceivedLetter
from gateway.queue.afterwards import Noting
from gateway.queue.deliveries import Also
from gateway.queue.planning import Step, make_plan
from gateway.queue.store import Store
from gateway.queue.worker import Worker

BUDGET = 64 * 2**20
"""Bytes of letters in memory on their way; beyond it a letter waits on disk and is read again."""


class StayBook(Protocol):
    """What the clock writes, as callables that run in the store's own transaction."""

    def movement(self, movement: Movement, source: str, at: datetime) -> Also:
        """Record what happened to a stay."""
        ...

    def tie(self, letter: AddressedLetter, steps: Sequence[Step]) -> Also:
        """Tie a letter and its deliveries to the stay it is about."""
        ...


class Keeper:
    """The store and the worker, joined."""

    def __init__(
        self, store: Store, *, node: str, stays: StayBook, clock: Callable[[], datetime], budget: int = BUDGET
    ) -> None:
        """Give it its worker before the first letter (:attr:`worker`): the two need each other."""
        self._store, self._node, self._stays, self._clock = store, node, stays, clock
        self._budget, self._carried = budget, 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[LetterId] = set()
        self._strikes: dict[LetterId, int] = {}
        self.worker: Worker | None = None

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """Put the letter on disk; raises StorageUnavailable or StorageFull."""
        kept = await self._store.keep(letter)
        at, door = letter.received_at, letter.door.value
        again = journal.kept_again(at, kept.id, door=door)
        first = journal.kept(at, kept.id, door=door, source=letter.source, size=len(letter.content))
        journal.log(again if kept.again else first)
        return kept

    async def refuse(self, kept: KeptLetter, code: str, place: str) -> None:
        """Close a letter that its sender was told to correct."""
        event = journal.refused(self._clock(), kept.id, code=code, place=place)
        await self._store.refuse(event)
        journal.log(event)

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        """Remember what the door said."""
        await self._store.record_answer(letter, answer)

    async def withdraw(self, letter: LetterId) -> bool:
        """Forget a letter that nobody was told we have."""
        return await self._store.withdraw(letter)

    async def moved(self, kept: KeptLetter, movements: Sequence[Movement]) -> None:
        """Write what an ADT message says of a stay; the letter ends here."""
        now, source = self._clock(), kept.received.source
        also = tuple(self._stays.movement(movement, source, now) for movement in movements)
        events = tuple(journal.moved(now, kept.id, trigger=movement.trigger, effect="") for movement in movements)
        erased = self._store.erase_after(now)
        await self._store.note(Noting(events=events, also=also, closes=kept.id, erase_after=erased))
        for event in events:
            journal.log(event)

    async def plan(self, letters: Sequence[AddressedLetter]) -> None:
        """Give every addressee his row in one commit, then start what can leave."""
        now, worker = self._clock(), self.worker
        at_once = worker is not None and worker.has_room
        plan = make_plan(
            self._store,
            letters,
            now=now,
            node=self._node if at_once else "",
            tie=self._stays.tie,
        )
        if not await self._store.plan(plan.planning):
            return
        for event in plan.planning.events:
            journal.log(event)
        for step in plan.steps if at_once else ():
            if isinstance(step.outcome, Addressed) and worker is not None:
                worker.start(step.letter, step.outcome, step.lease)

    def later(self, kept: KeptLetter, work: Coroutine[None, None, None]) -> None:
        """Go on behind the door's answer; what has no room in memory, or fails, is taken up by :meth:`resume`."""
        size = len(kept.received.content)
        if self._carried + size > self._budget:
            work.close()
            return
        self._carried += size
        self._under_way.add(kept.id)
        task = asyncio.get_running_loop().create_task(self._guarded(kept.id, work))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._left(done, kept.id, size))

    async def resume(self, travel: Callable[[KeptLetter], Coroutine[None, None, None]]) -> int:
        """Take up letters that were kept but not planned; gives how many."""
        waiting = [letter for letter in self._store.unplanned() if letter not in self._under_way]
        for letter in waiting:
            await self._guarded(letter, travel(self._store.load(letter)))
        return len(waiting)

    def strikes(self, letter: LetterId) -> int:
        """How often the road of this letter broke off in this process."""
        return self._strikes.get(letter, 0)

    async def drain(self, seconds: float) -> None:
        """Let what goes on behind the answers end."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    def _left(self, task: asyncio.Task[None], letter: LetterId, size: int) -> None:
        self._tasks.discard(task)
        self._under_way.discard(letter)
        self._carried -= size

    async def _guarded(self, letter: LetterId, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except HuitaineError as error:
            self._strike(letter, error.detail or error.status)
        except Exception as error:  # noqa: BLE001 (atop a task: the letter stays unplanned and is taken up again)
            self._strike(letter, type(error).__name__)
        else:
            self._strikes.pop(letter, None)

    def _strike(self, letter: LetterId, why: str) -> None:
        self._strikes[letter] = self.strikes(letter) + 1
        structlog.get_logger().error("road-broken-off", letter_id=letter, why=why, strikes=self._strikes[letter])
