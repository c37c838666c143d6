"""F6 in short: three stops under load; `make faults` makes fifty."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from pathlib import Path

import pytest

from tests.faults.campaign import Plan, scene
from tests.faults.sender import Smtp
from tests.faults.stopping import NO_DRAIN, stop_again_and_again


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_f6_stops_under_load_lose_nothing_and_send_nothing_twice(tmp_path: Path):
    told = await stop_again_and_again(tmp_path, rounds=3, letters=30)
    assert told.balance is not None
    assert told.balance.acknowledged == 90
    assert told.balance.lost == []
    assert told.balance.duplicated == 0
    assert told.leased == 0
    assert told.unsure == 0
    assert told.codes == [0, 0, 0]
    assert told.kept


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_f6_control_a_gateway_that_just_goes_is_caught(tmp_path: Path):
    told = await stop_again_and_again(tmp_path, rounds=2, letters=40, entry=NO_DRAIN)
    assert not told.kept


@pytest.mark.timeout(120)
async def test_f6_while_it_stops_a_newcomer_hears_421_and_a_second_word_ends_it_at_once(tmp_path: Path):
    async with scene(tmp_path, Plan(cut=0)) as here:
        busy = Smtp(here.place)
        await busy._connect()
        for line in (b"MAIL FROM:<dpi@hospital.test>", b"RCPT TO:<gp@gp.test>", b"DATA"):
            await busy._ask(line)
        busy._open()[1].write(b"Subject: half\r\n")
        await busy._open()[1].drain()
        process = here.gateway._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        assert (await greeting(here.place)).startswith("421 4.3.2 ")
        assert here.gateway.alive
        os.kill(process.pid, signal.SIGTERM)
        assert await asyncio.to_thread(here.gateway.wait, 60) == 4
        await busy.close()


async def greeting(place) -> str:
    """The first line, once it is one of goodbye: a greeting of before the signal counts for nothing."""
    context = ssl.create_default_context(cafile=str(place.ca))
    while True:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", place.smtps, ssl=context, server_hostname="localhost"
        )
        line = (await reader.readline()).decode()
        writer.close()
        if not line.startswith("220"):
            return line
