"""Promise D9, short form: no bad input stops the loop; `make faults` shows it the whole corpus and asks for 100 ms."""

from __future__ import annotations

from pathlib import Path

from tests.faults.replaying import BLOCK, replay, shown

BUSY = 400.0
"""Milliseconds: on a machine that is busy with other tests, whose disk and cores are not all ours."""


async def test_d9_no_input_stops_the_loop(tmp_path: Path) -> None:
    cases = shown(everything=False)
    lag = await replay(tmp_path, cases)
    assert lag.inputs > 50
    assert lag.doors == {case.door for case in cases}
    assert lag.milliseconds <= BUSY, lag


async def test_d9_control_a_door_that_sleeps_on_the_loop_is_seen(tmp_path: Path) -> None:
    letters = [case for case in shown(everything=False) if case.row == 16]
    lag = await replay(tmp_path, letters, block=3 * BLOCK)
    assert lag.milliseconds > BUSY, lag
