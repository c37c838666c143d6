"""D8 in short: slow clients are told and closed, and good traffic goes on beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crowds import TOO_SLOW, drip


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_d8_drippers_are_closed_and_good_traffic_goes_on(tmp_path: Path):
    told = await drip(tmp_path, 100, 40, every=0.3, grace_seconds="5")
    assert told.ended == {TOO_SLOW: 100}
    assert told.refused == []
    assert told.beside > 0  # how much of the rate is left, 9 in 10, is measured by `make faults`


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_d8_control_without_the_rule_they_stay(tmp_path: Path):
    told = await drip(tmp_path, 20, 5, every=0.3, patience=3, grace_seconds="3600")
    assert told.ended == {}
