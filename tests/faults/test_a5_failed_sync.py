"""A5: a failed fsync is final, even when the next one would succeed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.sync_failure import FORGIVES, TEMPORARY, fail_once
from tests.peers.running import need


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a5_nothing_is_promised_after_a_failed_sync_and_the_restart_has_all_that_was(tmp_path: Path):
    need("cc")
    told = await fail_once(tmp_path / "honest", letters=150)
    assert told.late == 0
    assert told.exit_code == TEMPORARY
    assert told.balance.acknowledged == 150
    assert told.balance.lost == []
    assert told.kept


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a5_control_a_store_that_goes_on_is_caught(tmp_path: Path):
    need("cc")
    told = await fail_once(tmp_path / "forgives", letters=150, entry=FORGIVES)
    assert told.late > 0
    assert told.exit_code is None
    assert not told.kept
