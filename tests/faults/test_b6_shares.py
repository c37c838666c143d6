"""Promise B6: a dead or slow destination does not slow the others."""

from __future__ import annotations

import asyncio

import pytest

from gateway.queue.shares import Shares
from tests.faults.slow_sinks import Race, race

SHORT = Race(live=9, letters=20, slots=20, hop_seconds=0.02)
ENOUGH = 0.5


async def test_b6_one_destination_that_never_answers_does_not_slow_nine_others(tmp_path):
    alone = await race(tmp_path / "alone", SHORT, dead=False)
    beside = await race(tmp_path / "beside", SHORT, dead=True)
    assert beside.delivered == alone.delivered == SHORT.live * SHORT.letters
    # Half the rate is what a busy machine lets us tell in a second or two; the full form asks for nine tenths.
    assert alone.seconds / beside.seconds >= ENOUGH, (alone, beside)


async def test_b6_control_without_shares_the_dead_destination_takes_all_places(
    tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Shares, "share", lambda shares, route: shares._slots)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4):
            await race(tmp_path, SHORT, dead=True)
