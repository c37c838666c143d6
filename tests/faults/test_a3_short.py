"""A3 in short: two kills in the middle of a hundred letters; the whole campaign is ``make faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import EARLY_YES, Plan, campaign


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a3_kill_minus_nine_loses_no_acknowledged_letter(tmp_path: Path):
    told = await campaign(tmp_path / "honest", Plan(rounds=2, letters=50, twice=0))
    assert told.kills == 2
    assert told.balance.acknowledged == 100
    assert told.balance.lost == []
    assert told.balance.unexplained == []
    assert told.balance.strangers == []
    assert told.balance.damaged == []
    assert told.orphans == 0
    assert told.kept


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a3_control_a_gateway_that_says_yes_before_it_writes_loses_letters(tmp_path: Path):
    told = await campaign(tmp_path / "hasty", Plan(rounds=1, letters=50, twice=0, entry=EARLY_YES))
    assert told.balance.lost
    assert not told.kept
