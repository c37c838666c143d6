"""F5: a backup under load is consistent, and what is restored from it waits for a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.restoring import back_up_and_restore


@pytest.mark.timeout(300)
async def test_f5_a_backup_under_load_restores_whole_and_sends_nothing_before_it_is_released(tmp_path: Path):
    told = await back_up_and_restore(tmp_path, 60)
    assert told.promised >= 60
    assert 30 <= told.in_backup <= told.promised
    assert told.verified == "everything is whole"
    assert told.before_release == 0
    assert told.status["on_hold"]
    assert told.listed > 0
    assert told.lost == []
    assert told.after_release >= told.in_backup


@pytest.mark.timeout(300)
async def test_f5_control_a_restored_queue_that_is_released_at_once_does_send(tmp_path: Path):
    told = await back_up_and_restore(tmp_path, 20, release_at_once=True)
    assert told.before_release > 0
