"""Large letters wait for a budget of memory, small ones never, and one alone always fits."""

from __future__ import annotations

import asyncio

import pytest

from gateway.queue.weights import LEAST, Weights


async def most_at_once(weights: Weights, sizes: list[int]) -> tuple[int, int]:
    """Octets in hand at once at most, and how many were carried."""
    held = [0]
    most, done = 0, 0

    async def carry(size: int) -> None:
        nonlocal most, done
        async with weights.hold(size):
            held[0] += size
            most = max(most, held[0])
            await asyncio.sleep(0.005)
            held[0] -= size
            done += 1

    await asyncio.wait_for(asyncio.gather(*map(carry, sizes)), 30)
    return most, done


async def test_large_letters_wait_for_each_other_and_all_are_carried():
    most, done = await most_at_once(Weights(10 * LEAST), [4 * LEAST] * 9)
    assert most <= 10 * LEAST
    assert done == 9


async def test_control_without_a_budget_all_are_in_hand_at_once():
    most, _ = await most_at_once(Weights(1000 * LEAST), [4 * LEAST] * 9)
    assert most == 36 * LEAST


async def test_small_letters_wait_for_nobody():
    weights = Weights(LEAST)
    async with weights.hold(5 * LEAST):
        most, done = await most_at_once(weights, [LEAST - 1] * 20)
    assert done == 20
    assert most == 20 * (LEAST - 1)


async def test_one_letter_above_the_budget_goes_alone_and_a_failure_gives_its_place_back():
    weights = Weights(LEAST)
    with pytest.raises(ZeroDivisionError):
        async with weights.hold(9 * LEAST):
            _ = 1 // 0
    assert await most_at_once(weights, [9 * LEAST, 8 * LEAST]) == (9 * LEAST, 2)


async def test_who_gives_up_waiting_takes_nothing_with_him():
    weights = Weights(LEAST)
    async with weights.hold(2 * LEAST):
        waiting = asyncio.create_task(weights.hold(2 * LEAST).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert (await most_at_once(weights, [2 * LEAST]))[1] == 1
