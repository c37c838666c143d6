"""Keeper, worker and journey joined to a real store; reader, addressing and courier do as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.document import Document, Kind, Original, Reading, Role
from gateway.identifiers import Rpps, part_of
from gateway.journey import Journey
from gateway.letter import (
    Addressed,
    AddressedLetter,
    Addressee,
    ComposedMail,
    Done,
    Held,
    KeptLetter,
    MssTls,
    ParsedLetter,
    Reason,
    SealedMail,
    Step,
)
from gateway.queue import queries
from gateway.queue.deliveries import Also
from gateway.queue.finding import Stops, nothing_stops
from gateway.queue.gate import Gate
from gateway.queue.habits import Habits
from gateway.queue.keeper import Keeper
from gateway.queue.schedule import Schedule
from gateway.queue.store import Store
from gateway.queue.worker import Worker
from gateway.service.road.sealing import SealingDesk
from gateway.stations import Stations
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import NOON, TERMS

SCHEDULE = Schedule(waits=(timedelta(minutes=1), timedelta(hours=1)), expire=timedelta(hours=48), jitter=0)
GP = Rpps("99900000001")


def document(text: str = "") -> Document:
    return Document(kind=Kind(loinc="11490-0", label="Lettre"), original=Original(format="text", content=text.encode()))


def reading(*documents: Document, **more: Any) -> Reading:
    return Reading(format="text", documents=documents or (document(),), **more)


def to(mailbox: str, *, rpps: str | None = GP, given: bool = False, role: Role = Role.GP) -> Addressed:
    number = Rpps(rpps) if rpps else None
    addressee = Addressee(role=role, rpps=number, mailbox=mailbox if given else None)
    return Addressed(addressee=addressee, mailbox=mailbox, protection=MssTls())


def held(code: str = "no-key", *, rpps: str | None = GP, mailbox: str | None = None, role: Role = Role.GP) -> Held:
    number = Rpps(rpps) if rpps else None
    return Held(addressee=Addressee(role=role, rpps=number, mailbox=mailbox), reason=Reason(code=code, words="why"))


async def _read(content: bytes) -> Reading:
    return reading()


async def _accept(mail: SealedMail, step: Step) -> Done:
    return Done(at=NOON)


@dataclass(kw_only=True)
class Road:
    """The stations' answers, changed by a test as the world would change."""

    read_it: Callable[[bytes], Any] = _read
    outcomes: tuple[Addressed | Held, ...] = (to("gp@test.example"),)
    deliver_it: Callable[[SealedMail, Step], Any] = _accept
    sent: list[str] = field(default_factory=list)
    break_addressing: Exception | None = None

    async def read(self, content: bytes, *, name: str, expect_mail: bool) -> Reading:
        found: Reading = await self.read_it(content)
        return found

    def address(self, parsed: ParsedLetter) -> AddressedLetter:
        if self.break_addressing:
            raise self.break_addressing
        return AddressedLetter(parsed=parsed, outcomes=self.outcomes)

    async def compose(
        self, letter: AddressedLetter, addressed: Addressed, *, delivery: str, message_id: str
    ) -> ComposedMail:
        return ComposedMail(
            letter=letter.parsed.id,
            delivery=delivery,  # type: ignore[arg-type]
            message_id=message_id,
            sender="passerelle@hospital.test",
            mailbox=addressed.mailbox,
            headers=(),
            entity=b"",
            protection=addressed.protection,
        )

    def seal(self, mail: ComposedMail) -> SealedMail:
        return SealedMail(
            letter=mail.letter,
            delivery=mail.delivery,
            message_id=mail.message_id,
            sender=mail.sender,
            mailbox=mail.mailbox,
            content=b"sealed",
            protected_by="mss-tls",
            sealed_at=NOON,
        )

    async def deliver(self, mail: SealedMail, step: Step, *, before_dot: Any = None) -> Done:
        if before_dot:
            await before_dot()
        done: Done = await self.deliver_it(mail, step)
        self.sent.append(mail.mailbox)
        return done


class NoStays:
    def movement(self, movement: Any, source: str, at: datetime) -> Also:
        return Also(nothing, movement)

    def tie(self, letter: AddressedLetter, steps: Sequence[Any]) -> Also:
        return Also(nothing, letter)

    def leg(self, delivery: str, leg: str, at: datetime) -> Also:
        return Also(nothing, (delivery, leg, at))


def nothing(connection: Any, things: Sequence[Any]) -> Sequence[Any]:
    return [None] * len(things)


def _one_each(what: Reading) -> tuple[tuple[Document, ...], ...]:
    return tuple((each,) for each in what.documents)


def wired(
    store: Store, clock: Clock, road: Road, stays: Any, *, slots: int, stops: Stops = nothing_stops
) -> tuple[Keeper, Worker, Journey]:
    """The queue's two ends and the journey between them; ``road`` is every station that is not the queue."""
    gate = Gate(store.waited)
    keeper = Keeper(store, gate=gate, stays=stays, clock=clock)
    stations = Stations(
        queue=keeper,
        reader=road,
        admit=lambda found: found,
        split=_one_each,
        addressing=road,
        composer=road,  # type: ignore[arg-type]
        sealer=SealingDesk(road, smime_elsewhere=False, openpgp_elsewhere=False),
        courier=road,
        message_id=lambda delivery, attempt: f"<{delivery}.{attempt}@hospital.test>",
        return_path="passerelle@hospital.test",
    )
    journey = Journey(stations)
    habits = Habits(terms=TERMS, slots=slots, schedule=SCHEDULE, leg=stays.leg, stops=stops)
    keeper.worker = Worker(store, journey, habits, gate=gate, clock=clock)
    return keeper, keeper.worker, journey


@dataclass(kw_only=True)
class Joined:
    store: Store
    clock: Clock
    road: Road
    keeper: Keeper
    worker: Worker
    journey: Journey

    @classmethod
    def make(cls, store: Store, clock: Clock, *, slots: int = 4) -> Joined:
        road, stays = Road(), NoStays()
        keeper, worker, journey = wired(store, clock, road, stays, slots=slots)
        return cls(store=store, clock=clock, road=road, keeper=keeper, worker=worker, journey=journey)

    async def settled(self) -> None:
        """All that goes on behind the answers has ended."""
        await self.keeper.drain(5)
        while tasks := set(self.worker._running):
            await asyncio.wait(tasks)

    async def round(self) -> None:
        """What the clock does otherwise."""
        await self.keeper.resume(self.journey.travel)
        await self.worker.sweep()
        await self.settled()

    async def an_hour_later(self) -> None:
        self.clock.forward(hours=1, seconds=1)
        await self.store.tidy()
        await self.round()

    def rows(self, letter: str | KeptLetter) -> Sequence[queries.Row]:
        name = letter if isinstance(letter, str) else letter.id
        with self.store.reading() as connection:
            names = [name, *queries.parts(connection, name)]
            return [row for each in names for row in queries.deliveries(connection, each)]

    def row(self, letter: str | KeptLetter) -> queries.Row:
        (only,) = self.rows(letter)
        return only

    def letter(self, letter: str | KeptLetter) -> queries.Row:
        with self.store.reading() as connection:
            found = queries.letter(connection, letter if isinstance(letter, str) else letter.id)
        assert found is not None
        return found


__all__ = ["GP", "Joined", "Road", "document", "held", "part_of", "reading", "replace", "to"]
