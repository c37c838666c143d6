"""A6: a disk that fills up is told at MAIL, costs no letter, and is over by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.narrow import NEVER_LOOKS, fill_up
from tests.peers.running import need


@pytest.fixture(autouse=True)
def _root_can_mount() -> None:
    need("mount", root=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a6_a_disk_that_fills_up_costs_no_letter_and_letters_come_again_in_time(tmp_path: Path):
    told = await fill_up(tmp_path / "honest", letters=60, brim=False)
    assert told.told_at_mail, told.refused
    assert told.balance.acknowledged >= 60
    assert told.balance.wrong == []
    assert told.well, told.refused  # within how many seconds is measured by `make faults`


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a6_control_a_gateway_that_never_looks_tells_nobody(tmp_path: Path):
    told = await fill_up(tmp_path / "careless", letters=60, entry=NEVER_LOOKS, brim=False)
    assert not told.told_at_mail
    assert not told.well
