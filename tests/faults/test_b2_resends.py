"""B2: at least once, and every copy is known to be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.resends import NO_DOUBT, resend


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_b2_every_copy_is_announced_by_an_ambiguous_event_and_bears_the_same_message_id(tmp_path: Path):
    told = await resend(tmp_path / "honest", letters=20)
    assert told.balance.acknowledged == 20
    assert told.balance.wrong == []
    assert told.balance.renamed == 0
    assert told.balance.duplicated > 0
    assert told.balance.duplicated <= told.balance.cut
    assert told.kept


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_b2_control_a_gateway_that_does_not_write_its_doubt_down_is_caught(tmp_path: Path):
    told = await resend(tmp_path / "silent", letters=20, entry=NO_DOUBT)
    assert told.balance.unexplained
    assert not told.kept
