"""What an outage left behind is read back as memory allows: fifty letters of 25 MB must not end the process at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NoReturn

import pytest

from gateway.errors import PeerUnreachable
from gateway.letter import AddressedLetter, KeptLetter, Step
from gateway.queue import looking
from gateway.queue.deliveries import Also
from gateway.queue.gate import Gate
from gateway.queue.habits import Habits
from gateway.queue.planning import make_plan
from gateway.queue.schedule import Schedule
from gateway.queue.store import Store
from gateway.queue.weights import LEAST, Weights
from gateway.queue.worker import Worker
from tests.unit.queue.letters import NOON, TERMS, WAITING, addressed, letter

LETTERS, FIT = 8, 2
SIZE = LEAST + 1


class Road:
    """Counts the letters that are in memory, from their reading to the end of their attempt."""

    def __init__(self) -> None:
        self.now, self.most, self.ended = 0, 0, 0

    async def readdress(self, kept: KeptLetter) -> list[AddressedLetter]:
        self.now += 1
        self.most = max(self.most, self.now)
        return [addressed(kept)]

    async def carry(self, _step: Step, *, before_dot: Callable[[], Awaitable[None]] | None = None) -> NoReturn:
        await asyncio.sleep(0.02)
        self.now -= 1
        self.ended += 1
        raise PeerUnreachable


def no_leg(*_: object) -> Also:
    return Also(lambda _connection, things: things, None)


def worker_of(store: Store, road: Road, clock: Callable[[], datetime], route: str) -> Worker:
    schedule = Schedule(waits=(timedelta(minutes=1),), expire=timedelta(days=2))
    habits = Habits(terms=TERMS, slots=20, schedule=schedule, leg=no_leg, route=lambda _mailbox: route)
    worker = Worker(store, road, habits, gate=Gate(lambda: None), clock=clock)  # type: ignore[arg-type]
    worker._weights = Weights(FIT * SIZE)
    return worker


@pytest.mark.parametrize("route", ["test.example", "elsewhere.example"])
async def test_d7_no_more_large_letters_are_read_back_than_there_is_memory_for(
    store: Store, clock: Callable[[], datetime], route: str
):
    for _ in range(LETTERS):
        kept = await store.keep(letter(b"x" * SIZE))
        await store.plan(make_plan(store, [addressed(kept)], now=NOON, dispatch=WAITING).planning)
    road = Road()
    worker = worker_of(store, road, clock, route)
    async with asyncio.timeout(60):
        await worker.catch_up()
    assert road.ended == LETTERS
    assert road.most <= (FIT if route == "test.example" else LETTERS)
    await worker.drain(1)


def test_sizes_of_nothing_are_none(store: Store):
    with store.reading() as connection:
        assert looking.sizes(connection, []) == {}
