"""The gate: one letter at a time, only in a calm moment, and never for ever."""

from __future__ import annotations

import asyncio
import time

from gateway.queue.gate import WAIT, Gate


async def test_in_a_calm_moment_nobody_waits():
    gate = Gate(lambda: 0.0, patience=30)
    await asyncio.wait_for(asyncio.gather(*(gate.turn() for _ in range(100))), 60)


async def test_while_commits_are_waited_for_the_road_stands_still_and_then_goes_on():
    waited = [WAIT * 2]
    gate = Gate(lambda: waited[0], patience=30)
    turn = asyncio.create_task(gate.turn())
    await asyncio.sleep(0.1)
    assert not turn.done()
    waited[0] = 0.0
    await asyncio.wait_for(turn, 60)


async def test_under_lasting_pressure_letters_still_leave_one_by_one():
    gate = Gate(lambda: 1.0, patience=0.05)
    began = time.monotonic()
    await asyncio.wait_for(asyncio.gather(*(gate.turn() for _ in range(3))), 30)
    assert time.monotonic() - began >= 0.15


async def test_a_loop_that_lags_is_pressure():
    gate, ends = Gate(lambda: 0.0, patience=30), time.monotonic() + 0.3
    turned: list[float] = []

    async def busy() -> None:
        while time.monotonic() < ends:
            time.sleep(0.03)  # noqa: ASYNC251 (that is what is tested)
            await asyncio.sleep(0)

    async def turn() -> None:
        await gate.turn()
        turned.append(time.monotonic())

    await asyncio.gather(busy(), turn())
    assert turned[0] >= ends - 0.05


async def test_while_no_letter_comes_in_the_road_waits_for_nobody_however_much_it_has_to_do():
    gate = Gate(lambda: None, patience=600)

    async def turn() -> None:
        await gate.turn()
        time.sleep(0.03)  # noqa: ASYNC251 (the road's own work)

    await asyncio.wait_for(asyncio.gather(*(turn() for _ in range(10))), 60)
