"""The promises of load as campaigns of `make faults`: D2, D5, D7. LOAD_SECONDS is how long each stream lasts.

A figure of a busy machine says nothing: run them on a quiet one.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.campaigns import Row, row
from tests.load.measuring import DOORS_ONLY, Measured, Stream, measure

SECONDS = float(os.environ.get("LOAD_SECONDS", "20"))
P50, P99 = 0.010, 0.100
RATE = 200.0
SLOW_MS, SLOW_RATE = 10, 300.0
GOODPUT, MEMORY = 0.9, 2**30
TEMPORARY = frozenset({"421", "451", "452"})


async def d2(folder: Path) -> Row:
    """200 letters of 50 KB a second: from dot to 250, with the road at work behind, and with the doors alone."""
    stream = Stream(rate=RATE, seconds=SECONDS, sessions=50)
    [road] = await measure(folder / "road", [stream])
    [doors] = await measure(folder / "doors", [stream], entry=DOORS_ONLY)
    [slow] = await measure(folder / "slow", [Stream(rate=RATE, seconds=3, sessions=50)], entry=DOORS_ONLY, slow=150)
    return row(
        "D2",
        control=not in_time(slow),
        kept=in_time(road),
        acknowledged=road.seen["taken"],
        figure=[_ms(road.seen["p50"]), _ms(road.seen["p99"])],
        target=[_ms(P50), _ms(P99)],
        unit="ms, p50 and p99 from dot to 250",
        from_due=[_ms(road.seen["due_p50"]), _ms(road.seen["due_p99"])],
        doors_alone=[_ms(doors.seen["p50"]), _ms(doors.seen["p99"])],
        codes=road.seen["codes"],
    )


async def d5(folder: Path) -> Row:
    """Each fsync takes 10 ms longer; 20 sessions, as fast as they can."""
    stream = Stream(rate=0, seconds=SECONDS, sessions=20)
    [doors] = await measure(folder / "doors", [stream], entry=DOORS_ONLY, slow=SLOW_MS)
    [road] = await measure(folder / "road", [stream], slow=SLOW_MS)
    [stuck] = await measure(folder / "stuck", [Stream(rate=0, seconds=3)], entry=DOORS_ONLY, slow=300)
    return row(
        "D5",
        control=stuck.seen["rate"] < SLOW_RATE,
        kept=doors.seen["rate"] >= SLOW_RATE,
        acknowledged=doors.seen["taken"],
        figure=round(doors.seen["rate"], 1),
        target=SLOW_RATE,
        unit="letters accepted a second with fsync + 10 ms",
        with_the_road_at_work=round(road.seen["rate"], 1),
        codes=doors.seen["codes"],
    )


async def d7(folder: Path) -> Row:
    """Three times as many letters as it can take: it goes on taking what it can, and says "later" to the others."""
    [most] = await measure(folder / "most", [Stream(rate=0, seconds=SECONDS, sessions=20)])
    flood = Stream(rate=3 * most.seen["rate"], seconds=SECONDS, sessions=250)
    [flooded] = await measure(folder / "flood", [flood])
    share = flooded.seen["rate"] / most.seen["rate"]
    return row(
        "D7",
        control=not stands(0.5, flooded) and not stands(share, with_permanent(flooded)),
        kept=stands(share, flooded),
        acknowledged=flooded.seen["taken"],
        figure=round(share, 3),
        target=GOODPUT,
        unit="share of the most it can take that it takes under three times as much",
        most=round(most.seen["rate"], 1),
        offered=round(flood.rate, 1),
        codes=flooded.seen["codes"],
        memory_mb=flooded.memory >> 20,
    )


def in_time(measured: Measured) -> bool:
    """Whether D2 holds; letters that were not taken at all do not make it hold."""
    seen = measured.seen
    all_taken = set(seen["codes"]) == {"250"}
    return bool(all_taken and seen["p50"] <= P50 and seen["p99"] <= P99)


def stands(share: float, flooded: Measured) -> bool:
    """Whether D7 holds: enough taken, nobody told for ever, memory within its budget, still alive."""
    codes = {code[:3] for code in flooded.seen["codes"]} - {"250", "not"}
    return share >= GOODPUT and codes <= TEMPORARY and flooded.memory <= MEMORY and flooded.alive


def with_permanent(flooded: Measured) -> Measured:
    """The same, had one letter been refused for ever."""
    seen = {**flooded.seen, "codes": {**flooded.seen["codes"], "554": 1}}
    return Measured(seen=seen, memory=flooded.memory, alive=flooded.alive)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)
