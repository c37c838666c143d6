"""F8: each fault raises its alarm within a minute, and the alarm ends with the fault."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.service.alarms import MEANING
from tests.faults.alarm_faults import FAULTS, PATIENCE, raise_all, world


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_f8_each_fault_raises_its_alarm_and_the_alarm_ends_with_it(tmp_path: Path):
    async with world(tmp_path) as here:
        told = await raise_all(here)
        figures = await here.ask("/metrics")
    assert set(told.up) == set(MEANING)
    assert max(told.up.values()) <= PATIENCE
    lines = [(line["event"], line["code"]) for line in here.said if line["event"] in {"alarm", "alarm-over"}]
    assert {("alarm", code) for code in MEANING} <= set(lines)
    assert {("alarm-over", code) for code in MEANING} <= set(lines)
    opened = [line for line in here.said if line["event"] == "alarm"]
    assert all(line["do"] and line["means"] for line in opened)
    assert "@" not in figures
    assert 'huitaine_certificate_days{which="mllp"}' in figures


@pytest.mark.timeout(120)
async def test_f8_control_without_a_fault_there_is_no_alarm(tmp_path: Path):
    async with world(tmp_path, ease=60) as here:
        await here.letter()
        await asyncio.sleep(4)
        assert json.loads(await here.ask("/health")) == {"ready": True, "alarms": []}
    assert [line for line in here.said if line["event"] == "alarm"] == []


def test_f8_every_alarm_has_a_fault_that_raises_it():
    assert set(FAULTS) == set(MEANING)
