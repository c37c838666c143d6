"""Doors that wait for the reading, when the reading itself is what fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.document import Reading
from gateway.errors import ReaderUnavailable, ReadingFailed
from tests.unit.joints.joined import Joined, reading
from tests.unit.queue.letters import letter


async def broken(content: bytes) -> Reading:
    raise ReadingFailed("reader-died")


async def test_f10_a_letter_that_breaks_its_reader_does_not_stop_the_door_behind_it(joined: Joined):
    joined.road.read_it = broken
    with pytest.raises(ReadingFailed):
        await joined.journey.keep_and_read(letter(key=b"poison"))
    kept = await joined.journey.keep_and_read(letter(key=b"poison"))
    assert kept.again
    for _ in range(6):
        joined.clock.now += timedelta(hours=1)
        await joined.round()
    assert joined.letter(kept.id)["planned"]
    assert joined.row(kept.id)["reason"] == "reader-broken"


async def test_an_outage_of_the_readers_sets_no_letter_aside(joined: Joined):
    async def nobody(content: bytes) -> Reading:
        raise ReaderUnavailable("reader-start OSError")

    joined.road.read_it = nobody
    for _ in range(3):
        with pytest.raises(ReaderUnavailable):
            await joined.journey.keep_and_read(letter(key=b"waits"))
    for _ in range(8):
        joined.clock.now += timedelta(minutes=30)
        await joined.round()

    async def back(content: bytes) -> Reading:
        return reading()

    joined.road.read_it = back
    joined.clock.now += timedelta(minutes=30)
    await joined.round()
    assert joined.road.sent == ["gp@test.example"]
