"""Station 7's engine: so many deliveries at once, each attempt's end a value, what waits is claimed when it is due."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway import journal
from gateway.errors import HuitaineError, NoProtection, TransientFailure, UnreadableDocument
from gateway.identifiers import DeliveryId
from gateway.journal import Event
from gateway.letter import (
    Addressed,
    AddressedLetter,
    Done,
    GiveUp,
    Held,
    KeptLetter,
    Reason,
    RetryAt,
    SealedMail,
    Step,
    protection_name,
)
from gateway.queue.afterwards import ReadingAgain
from gateway.queue.bodies import Target
from gateway.queue.deliveries import Also, Claiming, Finishing, Lease, Waiting
from gateway.queue.meant import outcome_for
from gateway.queue.planning import RECHECK
from gateway.queue.schedule import Schedule, decide
from gateway.queue.store import Store
from gateway.queue.words import unnamed, unreadable

LEASE = timedelta(seconds=900)
"""Longer than the 600 s after the final dot (RFC 5321 §4.5.3.2.6) and all that comes before it."""
BUDGET = 64 * 2**20
"""Bytes of letters that may wait in memory for a slot; beyond it they wait on disk."""
REWRITE = 2.0
"""Seconds until an ending that could not be written is written again."""
BREATH = 0.05
"""Seconds between two claims while more is due than there are slots."""
GONE = Reason(code="addressee-unclear", words="read again, the letter no longer names this addressee beyond doubt")


class Road(Protocol):
    """The journey, as the worker needs it."""

    async def carry(self, step: Step) -> tuple[SealedMail, Done]:
        """Compose, seal, hand over."""
        ...

    async def readdress(self, kept: KeptLetter) -> list[AddressedLetter]:
        """Read and address again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the worker works."""

    node: str
    slots: int
    schedule: Schedule
    leg: Callable[[DeliveryId, str, datetime], Also]
    """What the clock writes when a letter is sealed, accepted or failed."""


class Worker:
    """Carries deliveries; a crash of one attempt costs that attempt only."""

    def __init__(self, store: Store, road: Road, habits: Habits, *, clock: Callable[[], datetime]) -> None:
        """Nothing runs before :meth:`start` or :meth:`sweep`."""
        self._store, self._road, self._habits, self._clock = store, road, habits, clock
        self._slots = asyncio.Semaphore(habits.slots)
        self._running: set[asyncio.Task[None]] = set()
        self._claimed = self._carried = 0

    @property
    def under_way(self) -> int:
        """How many deliveries are being worked on."""
        return len(self._running)

    @property
    def has_room(self) -> bool:
        """Whether a planned letter may stay in memory until it leaves."""
        return len(self._running) < 4 * self._habits.slots and self._carried < BUDGET

    def start(self, letter: AddressedLetter, addressed: Addressed, lease: Lease) -> None:
        """Work on a delivery that was planned just now and is ours already."""
        step = Step(letter=letter, addressed=addressed, delivery=lease.delivery, attempt=lease.epoch)
        size = len(letter.parsed.kept.received.content)
        self._carried += size
        self._spawn(self._fresh(step, lease), lambda: self._put_down(size))

    async def sweep(self) -> int:
        """Claim what is due and has a free slot; gives how many.

        A quarter of the slots is for what waited, however many new letters come: a retry must not starve.
        """
        slots = self._habits.slots
        free = max(slots - self.under_way, max(slots // 4, 1) - self._claimed)
        if free <= 0:
            return 0
        now = self._clock()
        claiming = Claiming(node=self._habits.node, now=now, until=now + LEASE, limit=free)
        leases = await self._store.claim(claiming)
        self._claimed += len(leases)
        for lease in leases:
            self._spawn(self._again(lease), self._let_go)
        return len(leases)

    async def catch_up(self) -> None:
        """Claim until nothing that is due is left on disk, as slots become free."""
        while await self.sweep():
            await asyncio.wait(set(self._running), timeout=BREATH)

    async def drain(self, seconds: float) -> None:
        """Let what is under way end; what does not is left leased, and freed at the next start."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        for task in self._running:
            task.cancel()

    def _spawn(self, work: Coroutine[None, None, None], ended: Callable[[], None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: ended())

    def _put_down(self, size: int) -> None:
        self._carried -= size

    def _let_go(self) -> None:
        self._claimed -= 1

    async def _fresh(self, step: Step, lease: Lease) -> None:
        async with self._slots:
            try:
                ending = await self._attempt(step, lease)
            except Exception as error:  # noqa: BLE001 (atop a task: counted as transient)
                ending = self._failed(lease, None, error)
            await self._end(ending)

    async def _again(self, lease: Lease) -> None:
        """A delivery that waited: read and address the letter again, then try."""
        async with self._slots:
            try:
                found = await self._find(lease)
                if found is None:
                    return
                if isinstance(found, Held):
                    ending = self._held(lease, found.reason)
                else:
                    ending = await self._attempt(found, lease)
            except UnreadableDocument as error:
                ending = self._held(lease, unreadable(error))
            except Exception as error:  # noqa: BLE001 (atop a task: counted as transient)
                ending = self._failed(lease, None, error)
            await self._end(ending)

    async def _find(self, lease: Lease) -> Step | Held | None:
        """The outcome of today for the addressee of this delivery; ``None`` when the whole letter begins anew."""
        target = self._store.target(lease.letter, lease.delivery, lease.target)
        kept = await asyncio.to_thread(self._store.load, lease.letter)
        letters = await self._road.readdress(kept)
        letter = next((letter for letter in letters if letter.parsed.id == lease.letter), None)
        outcome = outcome_for(target, letter.outcomes) if letter else None
        match outcome:
            case Addressed() if letter:
                return Step(letter=letter, addressed=outcome, delivery=lease.delivery, attempt=lease.epoch)
            case Held():
                return outcome
        numbered = target.addressee.rpps or target.addressee.adeli
        if not numbered and await self._begun_anew(lease):
            return None
        return Held(addressee=target.addressee, reason=GONE)

    async def _begun_anew(self, lease: Lease) -> bool:
        """A letter that nobody could read had its recipients for addressees; now that it is read they are others."""
        now = self._clock()
        event = journal.read_again(now, lease.letter)

        def gone(delivery: DeliveryId) -> Also:
            return self._habits.leg(delivery, "cancelled", now)

        done = await self._store.read_again(ReadingAgain(lease=lease, event=event, leg=gone))
        if done:
            journal.log(event)
        return done

    async def _attempt(self, step: Step, lease: Lease) -> Finishing:
        try:
            sealed, done = await self._road.carry(step)
        except NoProtection as error:
            return self._unprotected(step, lease, error)
        except Exception as error:  # noqa: BLE001 (atop a task: counted as transient)
            return self._failed(lease, step, error)
        return self._done(step, lease, sealed, done)

    def _done(self, step: Step, lease: Lease, sealed: SealedMail, done: Done) -> Finishing:
        letter, delivery = lease.letter, lease.delivery
        leg = self._habits.leg
        return replace(
            self._finishing(step, lease, done),
            protection=sealed.protected_by,
            sealed_at=sealed.sealed_at,
            erase_after=self._store.erase_after(done.at),
            events=(
                journal.sealed(sealed.sealed_at, letter, delivery, protection=sealed.protected_by),
                journal.accepted(done.at, letter, delivery, code=str(done.code)),
            ),
            also=(leg(delivery, "sealed", sealed.sealed_at), leg(delivery, "accepted", done.at)),
        )

    def _failed(self, lease: Lease, step: Step | None, error: Exception) -> Finishing:
        now = self._clock()
        if not isinstance(error, HuitaineError):
            structlog.get_logger().error("attempt-crashed", letter_id=lease.letter, error=type(error).__name__)
            error = TransientFailure(type(error).__name__, status="4.3.0")
        outcome = decide(
            error,
            self._habits.schedule,
            attempts=lease.attempts + 1,
            since=lease.created_at,
            now=now,
            chance=random.random(),  # noqa: S311 (spreads retries)
        )
        structlog.get_logger().info(
            "attempt-failed",
            letter_id=lease.letter,
            delivery_id=lease.delivery,
            status=error.status,
            why=unnamed(error.detail, step),
        )
        events, also = self._told(lease, outcome)
        finishing = self._finishing(step, lease, outcome)
        return replace(finishing, events=events, also=also, erase_after=self._store.erase_after(now))

    def _told(self, lease: Lease, outcome: RetryAt | GiveUp) -> tuple[tuple[Event, ...], tuple[Also, ...]]:
        now, letter, delivery = self._clock(), lease.letter, lease.delivery
        match outcome:
            case RetryAt(at=again, status=status, ambiguous=unsure):
                event = journal.deferred(now, letter, delivery, status=status, again=again)
                return ((event, journal.ambiguous(now, letter, delivery)) if unsure else (event,)), ()
            case GiveUp(status=status, expired=expired):
                event = journal.failed(now, letter, delivery, status=status, expired=expired)
                return (event,), (self._habits.leg(delivery, "failed", now),)

    def _unprotected(self, step: Step, lease: Lease, error: NoProtection) -> Finishing:
        now, code = self._clock(), error.detail or "no-key"
        event = journal.held(now, lease.letter, lease.delivery, code=code, words=error.words)
        return replace(self._finishing(step, lease, Waiting(at=now + RECHECK, reason=code)), events=(event,))

    def _held(self, lease: Lease, why: Reason) -> Finishing:
        now = self._clock()
        event = journal.held(now, lease.letter, lease.delivery, code=why.code, words=why.words)
        return Finishing(
            lease=lease,
            outcome=Waiting(at=now + RECHECK, reason=why.code),
            events=() if why.code == lease.reason else (event,),
        )

    def _finishing(self, step: Step | None, lease: Lease, outcome: Done | RetryAt | GiveUp | Waiting) -> Finishing:
        if step is None:
            return Finishing(lease=lease, outcome=outcome)
        mailbox = step.addressed.mailbox
        target = Target(addressee=step.addressed.addressee, mailbox=mailbox)
        key, _ = self._store.key_of(lease.letter)
        return Finishing(
            lease=lease,
            outcome=outcome,
            protection=protection_name(step.addressed.protection),
            route=mailbox.rpartition("@")[2].lower(),
            target=None if lease.epoch == 1 else self._store.seal_target(key, lease.delivery, target),
        )

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
