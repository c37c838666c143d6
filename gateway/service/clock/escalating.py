"""Escalation at work: each round asks the pure clock what is due, finds what it needs, and has it written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from directory import Directory
from gateway import journal
from gateway.delays.escalation import Ladder, Step, due
from gateway.delays.unproved import Clocks, Unproved, unproved
from gateway.delays.worklist import taken_steps
from gateway.errors import HuitaineError, UnreadableDocument
from gateway.identifiers import DeliveryId, LetterId, new_delivery_id
from gateway.journey import Journey
from gateway.letter import Addressed, Addressee, AsReceived, Held
from gateway.queue import another, queries
from gateway.queue.another import Another
from gateway.queue.bodies import Target
from gateway.queue.finding import only_to
from gateway.queue.meant import outcome_for
from gateway.queue.store import Store
from gateway.service.clock.escalated import Minding, Taking, mind, take_steps
from gateway.service.road.boxes import Nothing, proposed

A_ROUND = 100
"""So many steps in one round; the others are due in the next one too."""
SHORTEST = timedelta(hours=24)
"""The bytes of a letter that waits stay at least so long behind the last round, however short retention is."""
NOT_FOR_HIM = frozenset(
    {"hidden-from-professionals", "professionals-not-wished", "test-identity", "real-identity", "bad-mailbox"}
)
"""For these reasons of the addressing station a letter goes to nobody, on paper neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The ladder, whose clocks count, and how long bytes stay behind the last round."""

    ladder: Ladder
    clocks: Clocks
    body: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a step does, before it is written."""

    code: str
    effect: bool = True
    another: Another | None = None


class Escalating:
    """Takes the steps that are due; a letter that cannot be worked on now stands in no other's way."""

    def __init__(
        self,
        store: Store,
        journey: Journey,
        directory: Directory,
        rules: Rules,
        *,
        route: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        """``route`` names a mailbox's destination."""
        self._store, self._journey, self._directory, self._rules = store, journey, directory, rules
        self._route, self._clock = route, clock
        self._rounds, self._put_off = 0, dict[str, int]()

    async def look(self) -> int:
        """One round; gives how many steps were taken. While the queue is on hold nothing is done."""
        if self._store.on_hold or not self._rules.ladder.rungs:
            return 0
        now = self._clock()
        waiting, steps, trouble = await asyncio.to_thread(self._ask, now)
        taken = 0
        for letter, step in self._in_turn(steps)[:A_ROUND]:
            taken += await self._taken(letter, step, now)
        await self._mind(now, waiting, trouble)
        return taken

    def _ask(self, now: datetime) -> tuple[list[Unproved], list[tuple[Unproved, Step]], list[Unproved]]:
        rules = self._rules
        with self._store.reading() as connection:
            waiting = unproved(connection, rules.clocks, now)
            done = taken_steps(connection, [one.letter for one in waiting])
        steps, trouble = [], []
        for one in waiting:
            mine = done.get(one.letter, {})
            step = due(now, one.span, mine, rules.ladder, proved=False)
            if step is not None:
                steps.append((one, step))
            if step is not None or mine:
                trouble.append(one)
        return waiting, steps, trouble

    def _in_turn(self, steps: list[tuple[Unproved, Step]]) -> list[tuple[Unproved, Step]]:
        """The nearest deadline first; behind all others what was put off, the longest ago first: nothing starves."""
        self._rounds += 1
        due = {letter.letter for letter, _ in steps}
        self._put_off = {letter: since for letter, since in self._put_off.items() if letter in due}
        return sorted(steps, key=lambda pair: self._put_off.get(pair[0].letter, 0))

    async def _taken(self, letter: Unproved, step: Step, now: datetime) -> bool:
        """One step; what the disk or the directory does not give now is tried in the next round."""
        try:
            found = await self._found(letter, step, now)
        except HuitaineError as error:
            structlog.get_logger().warning(
                "escalation-put-off", letter_id=letter.letter, step=step.value, status=error.status
            )
            self._put_off[letter.letter] = self._rounds
            return False
        taking = Taking(
            step=step,
            letter=letter,
            at=now,
            clocks=self._rules.clocks,
            code=found.code,
            effect=found.effect,
            another=found.another,
            task=new_delivery_id()[-10:],
        )
        events = await self._store.write(take_steps, taking)
        for event in events:
            if event.kind in {"escalation", "task"}:
                journal.log(event)
        return bool(events)

    async def _mind(self, now: datetime, waiting: list[Unproved], trouble: list[Unproved]) -> None:
        minding = Minding(
            now=now,
            waiting=tuple(waiting),
            trouble=tuple(trouble),
            clocks=self._rules.clocks,
            keep=max(self._rules.body, SHORTEST),
        )
        for event in await self._store.write(mind, minding):
            (journal.warn if event.kind == "alert" else journal.log)(event)

    async def _found(self, letter: Unproved, step: Step, now: datetime) -> Found:
        match step:
            case Step.REMIND:
                return await asyncio.to_thread(self._reminder, letter)
            case Step.PHONE:
                return Found(code="task")
            case Step.PAPER:
                return await self._paper(letter)
        return await self._elsewhere(letter, step, now)

    def _reminder(self, letter: Unproved) -> Found:
        """What failed, is held or late is told once more; what was taken and not confirmed is told as that."""
        with self._store.reading() as connection:
            if another.untold(connection, letter.deliveries):
                return Found(code="sender-told")
        return Found(code="nothing-to-tell", effect=False)

    async def _elsewhere(self, letter: Unproved, step: Step, now: datetime) -> Found:
        """The first mailbox proposed that the addressing station takes; its own delivery, sealed for it."""
        targets = await asyncio.to_thread(self._targets, letter)
        if isinstance(targets, Nothing):
            return Found(code=targets.code, effect=False)
        mine, tried = targets
        asked = proposed(step, mine.addressee.rpps, self._directory, tried=tried, now=now)
        if isinstance(asked, Nothing):
            return Found(code=asked.code, effect=False)
        code = ""
        for each in asked:
            addressee = Addressee(role=mine.addressee.role, rpps=each.rpps, mailbox=each.mailbox, instead=True)
            target = Target(addressee=addressee, mailbox=each.mailbox)
            code = await self._refused(LetterId(letter.letter), target)
            if not code:
                return Found(code="sent", another=self._another(letter, target, now))
        return Found(code=code, effect=False)

    async def _paper(self, letter: Unproved) -> Found:
        targets = await asyncio.to_thread(self._targets, letter)
        if isinstance(targets, Nothing):
            return Found(code=targets.code, effect=False)
        code = await self._refused(LetterId(letter.letter), targets[0])
        is_closed = code in NOT_FOR_HIM or code in {"already-sealed", "unreadable"}
        return Found(code=code, effect=False) if is_closed else Found(code="task")

    async def _refused(self, letter: LetterId, target: Target) -> str:
        """Why today's addressing station would not send the letter to this target; empty when it would."""
        kept = await self._store.fetch(letter)
        if target.addressee.instead:
            kept = only_to(kept, target.mailbox)
        try:
            letters = await self._journey.readdress(kept)
        except UnreadableDocument:
            return "unreadable"
        mine = next((each for each in letters if each.parsed.id == letter), None)
        outcome = outcome_for(target, mine.outcomes) if mine else None
        match outcome:
            case Addressed(protection=AsReceived()):
                return "already-sealed"
            case Addressed():
                return ""
            case Held(reason=reason):
                return reason.code
        return "addressee-unclear"

    def _targets(self, letter: Unproved) -> tuple[Target, set[str]] | Nothing:
        """Whom the letter is for, and every mailbox that it was or is on its way to."""
        name = LetterId(letter.letter)
        if self._store.recall(name) is None:
            return Nothing("erased")
        with self._store.reading() as connection:
            rows = queries.deliveries(connection, name)
        found = {row["id"]: self._store.target(name, row["id"], row["addressee"]) for row in rows}
        mine = found.get(DeliveryId(letter.delivery))
        if mine is None:
            return Nothing("no-delivery")
        rpps = next((row["rpps"] for row in rows if row["id"] == letter.delivery), None)
        if rpps and not mine.addressee.rpps:
            mine = replace(mine, addressee=replace(mine.addressee, rpps=rpps))
        boxes = {box.lower() for each in found.values() for box in (each.mailbox, each.addressee.mailbox) if box}
        return mine, boxes

    def _another(self, letter: Unproved, target: Target, now: datetime) -> Another:
        delivery, name = new_delivery_id(), LetterId(letter.letter)
        key, _ = self._store.key_of(name)
        mailbox = target.mailbox or ""
        return Another(
            id=delivery,
            letter=name,
            role=target.addressee.role.value,
            rpps=target.addressee.rpps,
            target=self._store.seal_target(key, delivery, target),
            route=self._route(mailbox),
            at=now,
        )
