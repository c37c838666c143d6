"""Stations 2 and 7 as the journey calls them: durable on return, and work that goes on behind a door's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway import journal
from gateway.document import Movement
from gateway.errors import HuitaineError, ReadingFailed
from gateway.identifiers import LetterId
from gateway.letter import Addressed, AddressedLetter, Fate, KeptLetter, MailKey, ReceivedLetter
from gateway.queue.afterwards import Noting
from gateway.queue.deliveries import Also
from gateway.queue.gate import Gate
from gateway.queue.habits import domain
from gateway.queue.leases import Terms
from gateway.queue.planning import Dispatch, Step, Tied, make_plan
from gateway.queue.store import Store
from gateway.queue.worker import Worker

BUDGET = 64 * 2**20
"""Bytes of letters in memory on their way; beyond it a letter waits on disk and is read again."""
AT_ONCE = 8
"""So many letters that waited on disk are read again side by side."""
A_LOOK = 256
"""So many letters at most are taken up in one look."""
CAREFUL = 2
"""A letter in whose hands the process died this often is read with no other beside it."""
LONGEST_PAUSE = timedelta(minutes=5)
"""Between two looks at a letter whose road breaks off again and again."""


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
        self, store: Store, *, gate: Gate, stays: StayBook, clock: Callable[[], datetime], budget: int = BUDGET
    ) -> None:
        """Give it its worker before the first letter (:attr:`worker`): the two need each other."""
        self._store, self._gate, self._stays, self._clock = store, gate, stays, clock
        self._budget, self._carried = budget, 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[LetterId] = set()
        self._strikes: dict[LetterId, int] = {}
        self._stumbles: dict[LetterId, int] = {}
        self._not_before: dict[LetterId, datetime] = {}
        self.worker: Worker | None = None

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """Put the letter on disk; raises StorageUnavailable or StorageFull.

        From before the commit the letter is its door's: :meth:`resume` leaves it alone until the door says what becomes
        of it (:meth:`later`, :meth:`refuse`, :meth:`leave`).
        """
        self._under_way.add(letter.id)
        try:
            kept = await self._store.keep(letter)
        except BaseException:
            self._under_way.discard(letter.id)
            raise
        if kept.again:
            self._under_way.discard(letter.id)
        at, door = letter.received_at, letter.door.value
        again = journal.kept_again(at, kept.id, door=door)
        first = journal.kept(at, kept.id, door=door, source=letter.source, size=len(letter.content))
        journal.log(again if kept.again else first)
        return kept

    async def refuse(self, kept: KeptLetter, code: str, place: str) -> None:
        """Close a letter that its sender was told to correct."""
        event = journal.refused(self._clock(), kept.id, code=code, place=place)
        try:
            await self._store.refuse(event)
        finally:
            self.leave(kept)
        journal.log(event)

    def leave(self, kept: KeptLetter) -> None:
        """The door has no more to do with it: if it is still without rows, :meth:`resume` takes it up."""
        if not kept.again:
            self._under_way.discard(kept.id)

    async def record_answer(self, letter: LetterId, answer: bytes) -> None:
        """Remember what the door said."""
        await self._store.record_answer(letter, answer)

    async def became(self, mail: MailKey) -> Fate | None:
        """What became of a mail of a watched mailbox."""
        return await asyncio.to_thread(self._store.became, mail)

    async def record_refused(self, mail: MailKey, letter: LetterId) -> None:
        """Its sender knows."""
        await self._store.record_refused(mail, letter)

    async def withdraw(self, letter: LetterId) -> bool:
        """Forget a letter that nobody was told we have."""
        return await self._store.withdraw(letter)

    async def moved(self, kept: KeptLetter, movements: Sequence[Movement], *, ends: bool = True) -> None:
        """Write what an ADT message says of a stay; with ``ends`` there is nothing else in the letter."""
        now, source = self._clock(), kept.received.source
        also = tuple(self._stays.movement(movement, source, now) for movement in movements)
        events = tuple(journal.moved(now, kept.id, trigger=movement.trigger, effect="") for movement in movements)
        erased = self._store.erase_after(now)
        await self._store.note(Noting(events=events, also=also, closes=kept.id if ends else None, erase_after=erased))
        for event in events:
            journal.log(event)

    async def plan(self, letters: Sequence[AddressedLetter]) -> None:
        """Give every addressee his row in one commit, then start what can leave."""
        worker = self.worker
        dispatch = worker.dispatch() if worker else _IDLE
        plan = make_plan(self._store, letters, now=self._clock(), dispatch=dispatch, tie=self._stays.tie)
        planned = await self._store.plan(plan.planning)
        if planned is None:
            return
        stopped = {delivery for each in planned.answers if isinstance(each, Tied) for delivery in each.stopped}
        for event in plan.planning.events:
            journal.log(event)
        for step in plan.starting:
            held = step.lease.delivery in stopped
            if isinstance(step.outcome, Addressed) and worker is not None and not held:
                worker.start(step.letter, step.outcome, step.lease)

    def later(self, kept: KeptLetter, work: Coroutine[None, None, None]) -> None:
        """Go on behind the door's answer; what has no room in memory, or fails, is taken up by :meth:`resume`."""
        size = len(kept.received.content)
        if self._carried + size > self._budget:
            work.close()
            self.leave(kept)
            return
        self._carried += size
        self._under_way.add(kept.id)
        task = asyncio.get_running_loop().create_task(self._behind(kept.id, work))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._left(done, kept.id, size))

    async def resume(self, travel: Callable[[KeptLetter], Coroutine[None, None, None]]) -> int:
        """Take up letters that were kept but not planned, and that no door or task has in hand; gives how many.

        Each is struck before it is begun and absolved when its work ends in order: a letter that ends the process
        cannot hide behind the restart.
        """
        now = self._clock()
        # a clock that was set back must not make a letter wait for days
        paused = {letter for letter, until in self._not_before.items() if now < until <= now + LONGEST_PAUSE}
        waiting = await asyncio.to_thread(self._waiting, paused | self._under_way)
        waiting = {letter: strikes for letter, strikes in waiting.items() if letter not in self._under_way}
        self._strikes.update(waiting)
        many = [letter for letter, strikes in waiting.items() if strikes < CAREFUL]
        groups = [many[first : first + AT_ONCE] for first in range(0, len(many), AT_ONCE)]
        for group in groups + [[letter] for letter in waiting if waiting[letter] >= CAREFUL]:
            await self._store.strike(group)
            await asyncio.gather(*(self._resumed(letter, travel) for letter in group))
        return len(waiting)

    def _waiting(self, leave: set[LetterId]) -> dict[LetterId, int]:
        """The oldest letters without rows, with the strikes against each; read in pages, in a thread of its own."""
        found: dict[LetterId, int] = {}
        last = ""
        while len(found) < A_LOOK and (page := self._store.unplanned(last)):
            found.update((letter, strikes) for letter, strikes in page.items() if letter not in leave)
            last = max(page)
        return dict(list(found.items())[:A_LOOK])

    async def _resumed(self, letter: LetterId, travel: Callable[[KeptLetter], Coroutine[None, None, None]]) -> None:
        """One letter; what is wrong with it, damage on disk included, is its own affair."""

        async def again() -> None:
            await self._gate.turn()
            await travel(await self._store.fetch(letter))

        self._under_way.add(letter)
        try:
            if not await self._guarded(letter, again()):
                await self._store.strike([letter], by=-1)
        finally:
            self._under_way.discard(letter)

    async def _behind(self, letter: LetterId, work: Coroutine[None, None, None]) -> None:
        """What goes on behind the door's answer, when it is its turn."""
        try:
            await self._gate.turn()
        except BaseException:
            work.close()
            raise
        if await self._guarded(letter, work):
            await self._store.strike([letter])

    def strikes(self, letter: LetterId) -> int:
        """How often the work on this letter ended in a crash, of its reader or of a whole process, until now."""
        return self._strikes.get(letter, 0)

    async def drain(self, seconds: float) -> None:
        """Let what goes on behind the answers end."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    def _left(self, task: asyncio.Task[None], letter: LetterId, size: int) -> None:
        self._tasks.discard(task)
        self._under_way.discard(letter)
        self._carried -= size

    async def _guarded(self, letter: LetterId, work: Coroutine[None, None, None]) -> bool:
        """Do it; whether it ended in a crash that counts against the letter."""
        try:
            await work
        except ReadingFailed as error:
            self._struck(letter, error.detail)
        except HuitaineError as error:
            self._stumbled(letter, error.detail or error.status)
            return False
        except Exception as error:  # noqa: BLE001 (atop a task: the letter stays unplanned and is taken up again)
            self._struck(letter, type(error).__name__)
        else:
            for memory in (self._strikes, self._stumbles, self._not_before):
                memory.pop(letter, None)
            return False
        return True

    def _struck(self, letter: LetterId, why: str) -> None:
        self._strikes[letter] = self.strikes(letter) + 1
        self._stumbled(letter, why)

    def _stumbled(self, letter: LetterId, why: str) -> None:
        """Each time it waits twice as long: a letter that cannot go on fills neither the journal nor the CPU."""
        self._stumbles[letter] = times = self._stumbles.get(letter, 0) + 1
        self._not_before[letter] = self._clock() + min(timedelta(seconds=2 ** min(times, 10)), LONGEST_PAUSE)
        structlog.get_logger().error("road-broken-off", letter_id=letter, why=why, strikes=self.strikes(letter))


def _no_room(_: str) -> bool:
    return False


_IDLE = Dispatch(terms=Terms(node=""), route=domain, room=_no_room)
"""Without a worker everything waits on disk."""
