"""D2, D5, D7 in short: the measurement works, and its verdict can be no. Figures: `make load`, a quiet day."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.campaigns import in_time, stands, with_permanent
from tests.load.measuring import DOORS_ONLY, Measured, Stream, measure
from tests.peers.running import need

FEW = Stream(rate=20, seconds=2, size=8_000, sessions=4)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_d2_letters_that_come_by_the_clock_are_timed_from_dot_to_250(tmp_path: Path):
    [measured] = await measure(tmp_path / "d2", [FEW])
    assert measured.alive
    assert sum(measured.seen["codes"].values()) == 40
    assert 0 < measured.seen["p50"] <= measured.seen["p99"]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_d5_a_slow_disk_is_felt_in_the_answer(tmp_path: Path):
    need("cc")
    [measured] = await measure(tmp_path / "d5", [FEW], entry=DOORS_ONLY, slow=100)
    assert measured.seen["p50"] >= 0.1
    assert not in_time(measured), "the control of D2: this disk is too slow for it"


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_d7_a_flood_is_answered_and_its_memory_watched(tmp_path: Path):
    [measured] = await measure(tmp_path / "d7", [Stream(rate=60, seconds=2, size=8_000, sessions=30)])
    assert measured.alive
    assert 50 << 20 < measured.memory < 2**30
    assert {code[:3] for code in measured.seen["codes"]} <= {"250", "421", "451", "452", "not"}


def test_d7_control_a_permanent_refusal_or_little_goodput_is_no_kept_promise():
    fine = Measured(seen={"codes": {"250": 90, "452 4.3.1": 10}}, memory=2**28, alive=True)
    assert stands(0.95, fine)
    assert not stands(0.5, fine)
    assert not stands(0.95, with_permanent(fine))
    assert not stands(0.95, Measured(seen=fine.seen, memory=2**31, alive=True))
