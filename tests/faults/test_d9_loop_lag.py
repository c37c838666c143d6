"""Promise D9, short form: no bad input stops the loop for 100 ms; `make faults` shows it the whole corpus."""

from __future__ import annotations

from pathlib import Path

from tests.faults.replaying import BLOCK, TARGET, replay, shown


async def test_d9_no_input_stops_the_loop(tmp_path: Path) -> None:
    lag = await replay(tmp_path, shown(everything=False))
    assert lag.inputs > 50
    assert lag.milliseconds <= TARGET, lag


async def test_d9_control_a_door_that_sleeps_on_the_loop_is_seen(tmp_path: Path) -> None:
    letters = [case for case in shown(everything=False) if case.row == 16]
    lag = await replay(tmp_path, letters, block=BLOCK)
    assert lag.milliseconds > TARGET, lag
