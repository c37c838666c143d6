"""A7 in short: a session that the network loses leaves a letter whole or nothing (in full: ``make faults``)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.cutting import NEVER_WITHDRAWS, NO_MEMORY, cut_anywhere


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a7_sessions_cut_at_any_octet_leave_no_half_states(tmp_path: Path):
    told = await cut_anywhere(tmp_path, 60)
    assert told.balance.acknowledged == 61  # and the one that was measured
    assert told.balance.lost == []
    assert told.balance.strangers == []
    assert told.balance.damaged == []
    assert told.balance.duplicated == 0
    assert told.both_withdrawn_and_kept == 0
    assert told.whole


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a7_control_without_a_memory_a_letter_kept_unheard_is_a_second_one(tmp_path: Path):
    told = await cut_anywhere(tmp_path, 60, environment=NO_MEMORY, entry=NEVER_WITHDRAWS)
    assert told.balance.strangers
    assert not told.whole
