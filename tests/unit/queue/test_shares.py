"""Places by destination: one that hangs takes its share and no more."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.queue import shares as lending
from gateway.queue.shares import LEAST, Shares


async def fill(shares: Shares, route: str, number: int) -> list[asyncio.Task[None]]:
    async def stay() -> None:
        async with shares.place(route):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(stay()) for _ in range(number)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_destination_that_hangs_alone_leaves_half_to_whoever_comes():
    shares = Shares(40)
    dead = await fill(shares, "dead", 100)
    assert shares.free == 20
    live = await fill(shares, "live", 20)
    assert shares.free == 10
    await end(dead + live)
    assert shares.free == 40


async def test_beside_others_a_destination_has_a_quarter_of_the_places():
    shares = Shares(40)
    live = await fill(shares, "live", 1)
    dead = await fill(shares, "dead", 100)
    assert shares.free == 40 - 1 - 10
    assert shares.room("dead") == 0
    assert shares.room("live") == 9
    await end(live + dead)


async def test_with_few_places_everybody_may_have_five():
    shares = Shares(8)
    tasks = await fill(shares, "a", 1) + await fill(shares, "b", 20)
    assert shares.free == 8 - 1 - LEAST
    await end(tasks)


async def test_a_place_that_is_given_up_goes_to_the_next_who_may_have_it():
    shares = Shares(5)
    first = await fill(shares, "a", 5)
    second = await fill(shares, "b", 5)
    assert shares.free == 0
    await end(first)
    assert shares.free == 0
    await end(second)
    assert shares.free == 5


async def test_whoever_leaves_while_he_waits_takes_no_place_with_him():
    shares = Shares(5)
    tasks = await fill(shares, "a", 20)
    await end(tasks[10:])
    await end(tasks[:10])
    assert shares.free == 5
    assert shares.waiting("a") == 0


async def test_a_destination_that_was_alone_has_too_many_places_once_others_come():
    shares = Shares(40)
    dead = await fill(shares, "dead", 20)
    assert not shares.over("dead")
    live = await fill(shares, "live", 1)
    assert shares.over("dead")
    await end(dead[:10])
    assert not shares.over("dead")
    await end(dead + live)


async def test_a_place_that_hangs_is_lent_to_another_destination_and_counts_for_its_own(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(lending, "PATIENCE", 0)
    shares = Shares(20)
    dead = await fill(shares, "dead", 15)
    for _ in range(5):
        await asyncio.sleep(0)
    live = [task for each in range(8) for task in await fill(shares, f"live {each}", 5)]
    assert shares.waiting("dead") == 5
    assert sum(shares.waiting(f"live {each}") for each in range(8)) == 40 - 20 - 10
    await end(dead + live)
    assert shares.free == 20


async def test_lending_never_makes_more_than_twice_the_places(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lending, "PATIENCE", 0)
    shares = Shares(10)
    tasks = [task for each in range(9) for task in await fill(shares, f"dead {each}", 5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert shares.free == 0
    assert shares._busy.total() == 20
    await end(tasks)
    assert shares.free == 10


async def test_who_waits_behind_hanging_connections_stalls_with_them_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
):
    shares = Shares(20)
    live = await fill(shares, "live", 14)
    assert (shares.waiting("live"), shares.stalled) == (4, 0)
    monkeypatch.setattr(lending, "PATIENCE", 0)
    dead = await fill(shares, "dead", 9)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (shares.waiting("dead"), shares.stalled) == (4, 9)
    await end(live + dead)
    assert shares.stalled == 0
