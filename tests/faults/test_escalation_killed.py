"""Escalation under kill -9 in short: a death at each instant of a step; `make faults` dies a hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.points import place_of
from tests.faults.steps import FORGETS, climb
from tests.faults.steps_entry import POINTS

SHORT = ("after-row", "after-delivery", "after-step", "after-task", "in-alerts")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_esc_each_step_is_taken_once_whatever_the_moment_of_death(tmp_path: Path):
    told = await climb(tmp_path, letters_=3, deaths=[f"{label}:1" for label in SHORT])
    assert told.missed == []
    assert told.doubled == []
    assert told.copies == 0
    assert told.deaths.keys() == set(SHORT)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_esc_control_without_the_journal_of_steps_they_are_taken_again(tmp_path: Path):
    told = await climb(tmp_path, letters_=1, deaths=["after-step:2"], entry=FORGETS)
    assert told.doubled


def test_esc_every_instant_is_still_in_the_product():
    for point in POINTS.values():
        place_of(point.at)
