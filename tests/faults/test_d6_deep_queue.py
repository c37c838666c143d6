"""Promises D6 and F7: however deep the queue is, a claim and a start take their usual time."""

from __future__ import annotations

import statistics
from pathlib import Path
from time import process_time

from tests.faults.deep import claim_times, make_deep, open_store, start_seconds, without_its_index

SHORT = 20_000


async def test_d6_a_claim_does_not_wait_for_the_depth_of_the_queue(tmp_path: Path):
    await make_deep(tmp_path, SHORT)
    store = open_store(tmp_path)
    try:
        usual = 1000 * statistics.median(await claim_times(store, 40, clock=process_time))
        without = await without_its_index(store, clock=process_time)
    finally:
        store.close()
    assert usual <= 50, "milliseconds of CPU; the full form asks for 10 of the wall clock at a million rows"
    assert without > usual, "control: without its index a claim reads everything"


async def test_f7_a_start_does_not_wait_for_what_is_queued(tmp_path: Path):
    await make_deep(tmp_path, 5000)
    assert await start_seconds(tmp_path, clock=process_time) <= 3
