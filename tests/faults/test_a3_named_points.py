"""A3 at named instants: the labels are real, an order to die is obeyed, and nothing promised is lost by it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults import crashing
from tests.faults.crashing import die_everywhere
from tests.faults.points import POINTS, place_of
from tests.peers.running import need

SHORT = ("before-commit", "after-250", "after-dot", "before-done", "during-checkpoint")


@pytest.mark.parametrize("label", [label for label, point in POINTS.items() if point.at])
def test_a3_every_crash_point_is_a_place_in_the_product(label: str):
    owner, name = place_of(POINTS[label].at)
    assert callable(getattr(owner, name))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a3_a_death_at_a_named_point_loses_nothing_that_was_promised(tmp_path: Path):
    need("cc")
    wanted = [(label, random.randint(1, 5)) for label in SHORT]  # noqa: S311 (chance here tries)
    told = await die_everywhere(tmp_path / "named", wanted)
    assert told.balance.wrong == []
    assert told.died == []
    assert sum(told.reached.values()) == len(SHORT)
    assert told.kept


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a3_control_a_point_that_is_never_reached_is_no_kept_promise(tmp_path: Path, monkeypatch):
    need("cc")
    monkeypatch.setattr(crashing, "PATIENCE", 3.0)
    told = await die_everywhere(tmp_path / "named", [("after-250", 10_000)])
    assert told.missed == ["after-250:10000"]
    assert not told.kept
