"""Promise B6: a dead or slow destination does not slow the others; ``make faults`` compares the rates themselves."""

from __future__ import annotations

import asyncio

import pytest

from gateway.queue.shares import Shares
from tests.faults.slow_sinks import Race, race, without_shares

SHORT = Race(live=9, letters=20, slots=20, hop_seconds=0.02, at_once=20)
ENOUGH_FOR_THE_DEAD = Race(live=9, letters=80, slots=10, hop_seconds=0.02)


async def test_b6_beside_a_destination_that_never_answers_nine_others_have_all_the_places_that_there_are(tmp_path):
    beside = await race(tmp_path, SHORT, dead=True)
    assert beside.delivered == SHORT.live * SHORT.letters
    assert 0 < beside.waited_for_the_dead <= SHORT.slots // 2


async def test_b6_control_without_shares_the_dead_destination_takes_all_places(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Shares, "share", without_shares)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(6):
            await race(tmp_path, ENOUGH_FOR_THE_DEAD, dead=True)
