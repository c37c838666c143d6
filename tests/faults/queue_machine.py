"""Promise B1's random walk: every verb of the real store in any order, any of them broken in the middle; the sums."""

from __future__ import annotations

import asyncio
import atexit
import errno
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import bindparam, false, func, select, update

from gateway import journal
from gateway.crypto.vault import create_master_key
from gateway.errors import HuitaineError
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import AddressedLetter, DeliveryState, Done, GiveUp, KeptLetter, RetryAt
from gateway.prepared import Prepared
from gateway.queue import deliveries, entries
from gateway.queue.accept import DELIVERY, LETTER
from gateway.queue.afterwards import Acting, Proving
from gateway.queue.deliveries import Finishing, PutBack, Waiting
from gateway.queue.entries import ENTRY
from gateway.queue.leases import Lease, Renewing, Terms
from gateway.queue.planning import make_plan
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from tests.faults.campaigns import Row, row
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import STARTING, WAITING, addressed, claiming, letter, recovering

OPEN, OVER = {"ready", "leased", "held"}, {"done", "failed", "expired", "cancelled"}
ENDS = ("done", "retry", "unsure", "fail", "expire", "hold", "back")
ENDINGS = {"accepted", "failed", "expired"}
ROUTE = "test.example"
FAULTS = st.sampled_from((None, None, None, None, "before", "after"))
RARELY, OFTEN = st.sampled_from((False, False, False, True)), st.sampled_from((True, True, True, False))
STATES = {
    "release": ((DeliveryState.HELD,), DeliveryState.READY),
    "cancel": ((DeliveryState.HELD, DeliveryState.READY), DeliveryState.CANCELLED),
    "resend": ((DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.CANCELLED), DeliveryState.READY),
}


SHRINK = bool(os.environ.get("FAULT_B1_SHRINK"))
"""Set it to be told the shortest way to a broken sum; it takes minutes."""


class Break(OSError):
    """What the disk says."""


@cache
def _template() -> Path:
    """An empty database: to make one takes as long as fifty steps."""
    folder = Path(tempfile.mkdtemp(prefix="huitaine-b1-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    create_master_key(folder / "master-key")
    vault = RestVault.open(folder / "master-key")
    Store(folder / "data", vault, limits=Limits(free_share=0), clock=Clock()).close()
    return folder


class QueueMachine(RuleBasedStateMachine):
    """Letters of one to three addressees; the model knows only what was promised and what was answered."""

    steps = 0
    ends = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.patch = asyncio.Runner(), pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="huitaine-b1-"))
        self.clock = Clock()
        shutil.copytree(_template(), self.folder, dirs_exist_ok=True)
        vault = RestVault.open(self.folder / "master-key")
        self.store = Store(self.folder / "data", vault, limits=Limits(free_share=0), clock=self.clock)
        self.kept: dict[LetterId, KeptLetter] = {}
        self.withdrawn: set[LetterId] = set()
        self.planned: dict[LetterId, int] = {}
        self.leases: list[Lease] = []
        self.ended: Counter[DeliveryId] = Counter()

    def teardown(self) -> None:
        self.store.close()
        self.runner.close()
        self.patch.undo()
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def some_are_on_their_way(self) -> None:
        for _ in range(3):
            self.accept(None)
            self.plan(0, 2, held=False, now=True, fault=None)

    # what the world does ----------------------------------------------------------------------------------------------

    @rule(fault=FAULTS)
    def accept(self, fault: str | None) -> None:
        received = replace(letter(), received_at=self.clock())
        if kept := self.tried(lambda: self.store.keep(received), fault):
            self.kept[kept.id] = kept

    @precondition(lambda self: self.kept.keys() - self.planned.keys() - self.withdrawn)
    @rule(pick=st.integers(0), people=st.integers(1, 3), held=RARELY, now=OFTEN, fault=FAULTS)
    def plan(self, pick: int, people: int, held: bool, now: bool, fault: str | None) -> None:
        waiting = sorted(self.kept.keys() - self.planned.keys() - self.withdrawn)
        kept = self.kept[waiting[pick % len(waiting)]]
        one = addressed(kept, mailbox=None if held else f"gp@{ROUTE}")
        many = AddressedLetter(parsed=one.parsed, outcomes=one.outcomes * people)
        plan = make_plan(self.store, [many], now=self.clock(), dispatch=STARTING if now else WAITING)
        if self.tried(lambda: self.store.plan(plan.planning), fault):
            self.planned[kept.id] = people
            self.leases += [step.lease for step in plan.starting]

    @rule(pick=st.integers(0), fault=FAULTS)
    def withdraw(self, pick: int, fault: str | None) -> None:
        if not self.kept:
            return
        name = sorted(self.kept)[pick % len(self.kept)]
        if self.tried(lambda: self.store.withdraw(name), fault):
            assert name not in self.planned, "a letter with rows was forgotten"
            self.withdrawn.add(name)

    @rule(limit=st.integers(1, 4), fault=FAULTS)
    def claim(self, limit: int, fault: str | None) -> None:
        for route in (ROUTE, ""):
            asked = claiming(self.clock(), limit, route=route)
            self.leases += self.tried(lambda asked=asked: self.store.claim(asked), fault) or []

    @precondition(lambda self: self.leases)
    @rule(ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=6))
    def what_is_under_way_ends(self, ends: list[str]) -> None:
        """The ordinary course, so that the walk comes somewhere."""
        for place, end in enumerate(ends):
            self.finish(place, end, None)

    @precondition(lambda self: self.leases)
    @rule(
        pick=st.integers(0),
        end=st.sampled_from(ENDS),
        fault=FAULTS,
    )
    def finish(self, pick: int, end: str, fault: str | None) -> None:
        """With any lease ever given, the lost ones too."""
        lease, now = self.leases[-1 - pick % len(self.leases)], self.clock()
        outcome, event = self._ending(end, lease)
        finishing = Finishing(
            lease=lease, outcome=outcome, events=(event,), erase_after=now + timedelta(days=30), route=ROUTE
        )
        before = self.row(lease.delivery)
        mine = self.tried(lambda: self.store.finish(finishing), fault)
        if mine:
            assert before is not None
            assert (before["state"], before["epoch"]) == ("leased", lease.epoch), "a lost lease was believed"
            self.ended[lease.delivery] += end in {"done", "fail", "expire"}
            type(self).ends += 1

    @rule(pick=st.integers(0), fault=FAULTS)
    def reach_dot(self, pick: int, fault: str | None) -> None:
        if self.leases:
            lease = self.leases[-1 - pick % len(self.leases)]
            self.tried(lambda: self.store.reach_dot(lease), fault)

    @rule(fault=FAULTS)
    def restart(self, fault: str | None) -> None:
        self.tried(lambda: self.store.recover(recovering(self.clock())), fault)

    @precondition(lambda self: self.leases)
    @rule(pick=st.integers(0), fault=FAULTS)
    def lose_a_lease(self, pick: int, fault: str | None) -> None:
        over = Terms(node="n", lasting=timedelta(seconds=-1))
        lost = Renewing(terms=over, version="1", leases=(self.leases[-1 - pick % len(self.leases)],))
        self.tried(lambda: self.store.renew(lost), None)
        self.tried(lambda: self.store.recover(recovering(self.clock(), everything=False)), fault)

    @rule(pick=st.integers(0), act=st.sampled_from(sorted(STATES)), fault=FAULTS)
    def a_person_acts(self, pick: int, act: str, fault: str | None) -> None:
        if not self.planned:
            return
        name, (of, to), now = sorted(self.planned)[pick % len(self.planned)], STATES[act], self.clock()
        event = journal.acted(now, name, None, act=act, why="x", actor="anne")
        acting = Acting(letter=name, of=of, to=to, event=event, erase_after=now + timedelta(days=30))
        self.tried(lambda: self.store.act(acting), fault)

    @rule(pick=st.integers(0), fault=FAULTS)
    def bounce(self, pick: int, fault: str | None) -> None:
        if self.leases:
            lease, now = self.leases[-1 - pick % len(self.leases)], self.clock()
            event = journal.proved(now, lease.letter, lease.delivery, receipt="dsn", effect="")
            self.tried(lambda: self.store.prove(Proving(delivery=lease.delivery, bounced=True, event=event)), fault)

    @rule(minutes=st.integers(1, 90), fault=FAULTS)
    def time_passes(self, minutes: int, fault: str | None) -> None:
        self.clock.forward(minutes=minutes)
        self.tried(self.store.tidy, fault)
        self.tried(lambda: self.store.remind(timedelta(days=2)), None)

    # what must hold ---------------------------------------------------------------------------------------------------

    @invariant()
    def accepted_is_open_plus_final(self) -> None:
        type(self).steps += 1
        with self.store.reading() as connection:
            letters = {
                each.id: each for each in connection.execute(select(LETTER.c.id, LETTER.c.planned, LETTER.c.state))
            }
            rows = connection.execute(select(DELIVERY.c.letter_id, DELIVERY.c.state)).all()
        assert letters.keys() == self.kept.keys() - self.withdrawn
        assert {name for name, each in letters.items() if each.planned} == self.planned.keys()
        assert {each.state for each in rows} <= OPEN | OVER
        assert Counter(each.letter_id for each in rows) == Counter(self.planned)
        still = {each.letter_id for each in rows if each.state in OPEN}
        assert {name for name in self.planned if letters[name].state == "open"} == still

    @invariant()
    def each_ending_has_its_one_event(self) -> None:
        told = select(ENTRY.c.delivery_id, func.count()).where(ENTRY.c.kind.in_(ENDINGS)).group_by(ENTRY.c.delivery_id)
        with self.store.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(told)}
        assert found == {name: number for name, number in self.ended.items() if number}

    # ------------------------------------------------------------------------------------------------------------------

    def row(self, delivery: DeliveryId) -> Any:
        with self.store.reading() as connection:
            return connection.execute(select(DELIVERY).where(DELIVERY.c.id == delivery)).mappings().one_or_none()

    def tried(self, verb: Callable[[], Awaitable[Any]], fault: str | None) -> Any:
        """What it gives, or ``None`` when it broke: then nothing of it may be there."""

        async def run() -> Any:
            return await verb()

        with self.patch.context() as patch:
            if fault == "before":
                patch.setattr(self.store._writer, "_transact", self._refused)
            elif fault == "after":
                patch.setattr(entries, "append", self._refused)
            try:
                return self.runner.run(run())
            except HuitaineError:
                return None

    @staticmethod
    def _refused(*_: object) -> None:
        raise Break(errno.ENOSPC, "no space")

    def _ending(self, end: str, lease: Lease) -> tuple[Any, journal.Event]:
        now, what = self.clock(), (lease.letter, lease.delivery)
        later = now + timedelta(minutes=5)
        match end:
            case "done":
                return Done(at=now), journal.accepted(now, *what, code="250")
            case "retry" | "unsure":
                outcome = RetryAt(at=later, status="4.4.1", reason="x", ambiguous=end == "unsure")
                return outcome, journal.deferred(now, *what, status="4.4.1", again=later)
            case "hold":
                return Waiting(at=later, reason="no-key", since=now), journal.held(now, *what, code="no-key", words="x")
            case "back":
                return PutBack(at=now), journal.freed(now, *what, code="back", phase="connect")
        expired = end == "expire"
        outcome = GiveUp(at=now, status="5.1.1", reason="x", expired=expired)
        return outcome, journal.failed(now, *what, status="5.1.1", expired=expired)


def walk(machine: type[QueueMachine], *, examples: int, steps: int) -> int:
    """Walk so far; gives the steps taken. Raises AssertionError with the way to a broken sum."""
    machine.steps = machine.ends = 0
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=checks,
        phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
    )
    run_state_machine_as_test(machine, settings=wanted)
    return machine.steps


async def b1(folder: Path) -> Row:
    """FAULT_B1_STEPS steps (10,000)."""
    wanted, taken = int(os.environ.get("FAULT_B1_STEPS", "10000")), 0
    broken = ""
    while taken < wanted and not broken:
        try:
            taken += await asyncio.to_thread(walk, QueueMachine, examples=20, steps=100)
        except AssertionError as error:
            broken = str(error)[:300]
    return row(
        "B1",
        control=await asyncio.to_thread(control_breaks),
        figure=taken,
        target=wanted,
        unit="steps",
        kept=not broken,
        broken=broken,
    )


def control_breaks() -> bool:
    """Whether the walk notices a queue that never closes a letter."""
    with pytest.MonkeyPatch.context() as patch:
        nothing = update(LETTER).where(LETTER.c.id == bindparam("letter"), false())
        careless = nothing.values(final_at=bindparam("at"), erase_after=bindparam("erase"))
        patch.setattr(deliveries, "_CLOSE", Prepared(careless))
        try:
            walk(QueueMachine, examples=50, steps=50)
        except AssertionError:
            return True
    return False
