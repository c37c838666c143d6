"""A8 in short: an answer that never arrives makes no second letter; the full numbers are ``make faults``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.cutting import NO_MEMORY, eat_answers


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a8_a_letter_whose_yes_was_lost_is_sent_again_and_leaves_once(tmp_path: Path):
    told = await eat_answers(tmp_path, 25)
    assert told.heard_at_once == 0
    assert told.balance.acknowledged == 25
    assert told.balance.strangers == []
    assert told.balance.duplicated == 0
    assert told.whole


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a8_control_of_a_gateway_without_a_memory_each_leaves_twice(tmp_path: Path):
    told = await eat_answers(tmp_path, 25, environment=NO_MEMORY)
    assert len(told.balance.strangers) >= 20
