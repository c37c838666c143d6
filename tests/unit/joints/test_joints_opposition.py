"""A patient opposes the sending: whatever the letter was doing, it stays, until a person or the patient decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.document import Document, Movement, Role, Stay
from gateway.errors import PeerUnreachable
from gateway.letter import AddressedLetter, Done, KeptLetter, SealedMail, Step
from gateway.queue.accept import DELIVERY
from gateway.queue.afterwards import Noting
from gateway.queue.deliveries import Also
from gateway.queue.entries import ENTRY
from gateway.queue.store import Store
from gateway.service.clock import opposing
from gateway.service.clock.staybook import StayBook
from gateway.service.upkeep.orders import Orders
from tests.unit.delays.wards import patient
from tests.unit.joints.joined import Joined, Road, document, held, nothing, reading, to, wired
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import NOON, letter

HOSPITAL = "CHU-X"
WHY = "patient-opposes"
FIRST, SECOND = "gp@test.example", "referrer@test.example"


@dataclass(kw_only=True)
class Ward:
    """One hospital stay, V1, whose discharge letter is on its way."""

    joined: Joined
    stays: StayBook
    orders: Orders
    told: int = 0

    def about(self, visit: str = "V1") -> Document:
        return replace(document(), patient=patient(), stay=Stay(visit=visit, hospital=HOSPITAL))

    async def letter(self, *outcomes: Any, visit: str = "V1") -> KeptLetter:
        async def read(content: bytes) -> Any:
            return reading(self.about(visit))

        self.joined.road.read_it = read
        self.joined.road.outcomes = outcomes or (to(FIRST),)
        kept = await self.joined.journey.keep(letter(content=f"{visit} {self.told}".encode()))
        await self.joined.keeper.drain(5)
        return kept

    async def adt(self, protected: bool | None, *, source: str = "gam", visit: str = "V1", **more: Any) -> None:
        """An A08 with that PD1-12."""
        self.told += 1
        at = NOON + timedelta(minutes=self.told)
        movement = Movement(
            trigger="A08",
            patient=patient(),
            stay=Stay(visit=visit, hospital=HOSPITAL),
            evn_2=at,
            protected=protected,
            **more,
        )
        await self.joined.store.note(Noting(also=(self.stays.movement(movement, source, self.joined.clock()),)))

    async def person(self, *, withdrawn: bool = False) -> Any:
        self.joined.clock.forward(seconds=1)
        order = {"act": "oppose", "visit": "V1", "hospital": HOSPITAL, "withdrawn": withdrawn, "actor": "m.durand"}
        return await self.orders.obey(order)

    async def act(self, act: str, kept: KeptLetter) -> Any:
        return await self.orders.obey({"act": act, "letter": kept.id, "why": "", "actor": "m.durand"})

    def states(self, kept: KeptLetter) -> list[tuple[str, str]]:
        return [(row["state"], row["reason"]) for row in self.joined.rows(kept)]

    def journal(self, *kinds: str) -> list[tuple[str, str, str]]:
        with self.joined.store.reading() as connection:
            wanted = select(ENTRY.c.kind, ENTRY.c.code, ENTRY.c.actor).where(ENTRY.c.kind.in_(kinds))
            return [tuple(row) for row in connection.execute(wanted.order_by(ENTRY.c.seq))]

    @property
    def sent(self) -> list[str]:
        return self.joined.road.sent


@pytest.fixture
def make(opened: Callable[[], Store], clock: Clock, vault: Any) -> Callable[..., Ward]:
    def made(**more: Any) -> Ward:
        store, road, stays = opened(), Road(), StayBook(vault.pseudonym, **more)
        keeper, worker, journey = wired(store, clock, road, stays, slots=4, stops=opposing.stops)
        joined = Joined(store=store, clock=clock, road=road, keeper=keeper, worker=worker, journey=journey)
        return Ward(joined=joined, stays=stays, orders=Orders(store, clock=clock, stays=stays))

    return made


@pytest.fixture
def ward(make: Callable[..., Ward]) -> Ward:
    return make()


async def test_without_an_opposition_the_letter_goes(ward: Ward):
    await ward.adt(None)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


async def test_a_letter_about_a_stay_that_is_opposed_is_held_before_it_starts(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])
    assert ward.journal("held", "lease-lost") == [("held", WHY, "huitaine")]


async def test_an_opposition_that_comes_while_the_letter_waits_stops_it(ward: Ward):
    async def down(mail: SealedMail, step: Step) -> Done:
        raise PeerUnreachable

    ward.joined.road.deliver_it = down
    kept = await ward.letter()
    await ward.joined.settled()
    assert ward.states(kept)[0][0] == "ready"
    await ward.adt(True)
    assert ward.states(kept) == [("held", WHY)]
    ward.joined.road.deliver_it = Road().deliver_it
    for _ in range(3):
        await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_an_opposition_that_comes_while_the_letter_is_on_its_way_stops_it_before_the_dot(ward: Ward):
    here, go = asyncio.Event(), asyncio.Event()

    async def slow(step: Step, *, before_dot: Any = None) -> Any:
        here.set()
        await go.wait()
        return await carry(step, before_dot=before_dot)

    carry, ward.joined.journey.carry = ward.joined.journey.carry, slow  # type: ignore[method-assign]
    kept = await ward.letter()
    await asyncio.wait_for(here.wait(), 60)
    assert ward.states(kept)[0][0] == "leased"
    await ward.adt(True)
    go.set()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])
    assert ward.journal("lease-lost") == [], "nobody took it over: it was stopped on purpose"


async def test_what_is_at_its_dot_may_have_left_and_is_not_sent_a_second_time(ward: Ward):
    async def lost(mail: SealedMail, step: Step) -> Done:
        await ward.adt(True)
        raise PeerUnreachable

    ward.joined.road.deliver_it = lost
    kept = await ward.letter()
    await ward.joined.settled()
    assert ward.states(kept)[0][0] == "ready"
    ward.joined.road.deliver_it = Road().deliver_it
    await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_a_named_person_may_let_it_go_and_the_journal_says_who(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter()
    assert (await ward.act("release", kept)) == {"deliveries": 1}
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)[0][0]) == ([FIRST], "done")
    assert ward.journal("release") == [("release", "", "m.durand")]


async def test_what_was_let_go_is_not_stopped_by_the_next_message_of_the_same_stay(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter()
    await ward.act("release", kept)
    await ward.adt(True)
    await ward.joined.round()
    assert ward.sent == [FIRST]


async def test_what_was_let_go_is_stopped_when_a_person_says_again_that_the_patient_opposes(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter()
    await ward.act("release", kept)
    assert (await ward.person()) == {"apart": "opposition"}
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_a_release_for_another_reason_does_not_outlive_an_opposition(ward: Ward):
    async def down(mail: SealedMail, step: Step) -> Done:
        raise PeerUnreachable

    ward.joined.road.deliver_it = down
    kept = await ward.letter()
    await ward.joined.settled()
    assert (await ward.act("release", kept)) == {"deliveries": 0}
    await ward.adt(True)
    ward.joined.road.deliver_it = Road().deliver_it
    await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_a_patient_who_agrees_after_all_lets_it_go(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter()
    await ward.adt(False)
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)[0][0]) == ([FIRST], "done")
    assert ward.journal("opposition-withdrawn") == [("opposition-withdrawn", "", "huitaine")]


async def test_adt_does_not_take_back_what_a_person_recorded(ward: Ward):
    await ward.person()
    kept = await ward.letter()
    await ward.adt(False)
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])
    await ward.person(withdrawn=True)
    await ward.joined.round()
    assert ward.sent == [FIRST]


async def test_a_person_does_not_take_back_what_adt_says(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter()
    assert (await ward.person(withdrawn=True)) == {"apart": "opposition"}
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_every_professional_is_stopped_and_the_patients_own_mailbox_is_not(ward: Ward):
    await ward.adt(True)
    kept = await ward.letter(
        to(FIRST),
        to(SECOND, rpps="99900000002", role=Role.REFERRER),
        to("me@patient.example", rpps=None, role=Role.PATIENT),
    )
    await ward.joined.settled()
    assert ward.sent == ["me@patient.example"]
    assert sorted(ward.states(kept)) == [("done", ""), ("held", WHY), ("held", WHY)]


async def test_another_stay_of_the_same_patient_goes(ward: Ward):
    await ward.adt(True)
    await ward.adt(None, visit="V2")
    kept = await ward.letter(visit="V2")
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


async def test_a_letter_that_came_before_its_stay_was_known_is_stopped_once_it_is(ward: Ward):
    async def down(mail: SealedMail, step: Step) -> Done:
        raise PeerUnreachable

    ward.joined.road.deliver_it = down
    kept = await ward.letter()
    await ward.joined.settled()
    assert (await ward.person()) == {"apart": "opposition"}
    assert ward.states(kept) == [("held", WHY)]


async def test_what_is_held_for_another_reason_stays_held_for_this_one(ward: Ward):
    kept = await ward.letter(held("no-key"))
    await ward.adt(True)
    assert ward.states(kept) == [("held", WHY)]
    ward.joined.road.outcomes = (to(FIRST),)
    await ward.joined.an_hour_later()
    assert (ward.sent, ward.states(kept)) == ([], [("held", WHY)])


async def test_what_failed_before_and_is_sent_again_is_stopped(ward: Ward):
    kept = await ward.letter()
    await ward.joined.settled()
    await ward.adt(True)
    await ward.joined.store.write(_fail, kept.id)
    assert (await ward.act("resend", kept)) == {"deliveries": 1}
    await ward.joined.round()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("held", WHY)])


def _fail(connection: Any, letters: Any) -> list[None]:
    connection.execute(update(DELIVERY).where(DELIVERY.c.letter_id.in_(letters)).values(state="failed"))
    return [None] * len(letters)


async def test_where_pd1_12_means_something_else_it_stops_nothing(make: Callable[..., Ward]):
    ward = make(protects=lambda source: source != "gam")
    await ward.adt(True)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])
    await ward.adt(True, source="other")
    assert (await ward.letter()) is not None
    await ward.joined.settled()
    assert ward.sent == [FIRST]


async def test_control_without_the_book_of_stays_the_letter_leaves(ward: Ward):
    """What the other tests prove is this station's doing: with nobody who stops, the same story sends the letter."""
    ward.joined.keeper._stays = _Forgetful()
    await ward.adt(True)
    kept = await ward.letter()
    await ward.joined.settled()
    assert (ward.sent, ward.states(kept)) == ([FIRST], [("done", "")])


class _Forgetful:
    def movement(self, *told: Any) -> Any:
        raise NotImplementedError

    def tie(self, letter: AddressedLetter, steps: Any) -> Any:
        return Also(nothing, letter)
