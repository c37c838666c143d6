"""D3 and D8: many idle connections, and many slow ones beside good traffic, against a running gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.settings import load
from tests.faults.campaign import Plan, Scene, scene
from tests.faults.campaigns import Row, row
from tests.faults.process import HONEST
from tests.faults.smtp_clients import crowd, many_files

WIDE_BUFFERS = ("-m", "tests.faults.broken.wide_buffers")
IDLE_CLEAR, IDLE_TLS = (int(n) for n in os.environ.get("FAULT_IDLE", "5000,2000").split(","))
DRIPPERS = int(os.environ.get("FAULT_DRIPPERS", "2000"))
GOOD_LETTERS = int(os.environ.get("FAULT_GOOD_LETTERS", "1000"))
MOST_CLEAR_KB, MOST_TLS_KB = 12.0, 70.0
TOO_SLOW = "421 4.4.2 Too slow"
_WIDE = {
    "HUITAINE__SMTP__MAX_CONNECTIONS": "20000",
    "HUITAINE__SMTP__MAX_CONNECTIONS_PER_NETWORK": "20000",
    "HUITAINE__SMTP__MAX_CONNECTIONS_PER_MINUTE": "1000000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """What so many idle connections cost."""

    count: int
    kilobytes_each: float
    p50: float
    p99: float


@contextlib.asynccontextmanager
async def wide(folder: Path, entry: Sequence[str] = HONEST, **settings: str) -> AsyncIterator[Scene]:
    """A running gateway that lets a crowd in."""
    many_files()
    environment = {**_WIDE, **{f"HUITAINE__SMTP__{name.upper()}": value for name, value in settings.items()}}
    async with scene(folder, Plan(entry=entry, smtp=4, mllp=0, cut=0.0), environment=environment, cold=True) as here:
        yield here


async def hold(here: Scene, count: int, *, tls: bool, warm: int = 100, probes: int = 1000) -> Idle:
    """Hold ``count`` connections; memory is what they add to a gateway that has seen ``warm`` already."""
    port = here.place.smtps if tls else load(here.place.settings).smtp.starttls_port
    assert port is not None
    ca = here.place.ca if tls else None
    async with crowd("idle", port, warm, ca):
        pass
    await asyncio.sleep(1)
    before = _resident(here)
    async with crowd("idle", port, count, ca) as idle:
        each = (_resident(here) - before) / count
        times = await idle.noop_milliseconds(probes)
    return Idle(
        count=count, kilobytes_each=round(each, 1), p50=times[len(times) // 2], p99=times[len(times) * 99 // 100]
    )


def _resident(here: Scene) -> int:
    """Kilobytes of the gateway's own process, without its reading children."""
    status = Path(f"/proc/{here.gateway.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Dripped:
    """Good traffic alone and beside drippers, in letters a second; how the drippers ended."""

    alone: float
    beside: float
    ended: dict[str, int]
    refused: list[str]

    @property
    def all_closed(self) -> bool:
        """Whether each of them was told that it was too slow."""
        return set(self.ended) == {TOO_SLOW}


async def drip(
    folder: Path, count: int, letters: int, *, patience: float = 120.0, every: float = 10.0, **settings: str
) -> Dripped:
    """``count`` clients of an octet each ``every`` seconds, and a hospital's ``letters`` before and meanwhile."""
    async with wide(folder, **settings) as here:
        port = load(here.place.settings).smtp.starttls_port
        assert port is not None
        alone = await _rate(here, letters)
        async with crowd("drip", port, count, DRIP_SECONDS=str(every)) as slow:
            beside = await _rate(here, letters)
            ended: dict[str, int] = {}
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    ended = json.loads(await slow.line())
        return Dripped(alone=alone, beside=beside, ended=ended, refused=here.hospital.heard.no)


async def _rate(here: Scene, letters: int) -> float:
    before = time.monotonic()
    await here.hospital.hand_in(letters)
    return round(letters / (time.monotonic() - before), 1)


async def d3(folder: Path) -> Row:
    """5,000 idle connections in clear, 2,000 in TLS."""
    async with wide(folder / "d3") as here:
        clear = await hold(here, IDLE_CLEAR, tls=False)
        tls = await hold(here, IDLE_TLS, tls=True)
    async with wide(folder / "d3-control", entry=WIDE_BUFFERS) as here:
        control = await hold(here, 200, tls=True, probes=10)
    return row(
        "D3",
        control=control.kilobytes_each > MOST_TLS_KB,
        figure=clear.kilobytes_each,
        target=MOST_CLEAR_KB,
        unit="KB per idle connection in clear",
        kept=clear.kilobytes_each <= MOST_CLEAR_KB and tls.kilobytes_each <= MOST_TLS_KB,
        clear=clear.count,
        clear_noop_p99_ms=clear.p99,
        tls=tls.count,
        tls_kilobytes_each=tls.kilobytes_each,
        tls_noop_p99_ms=tls.p99,
        control_kilobytes_each=control.kilobytes_each,
    )


async def d8(folder: Path) -> Row:
    """2,000 slow drippers beside good traffic."""
    told = await drip(folder / "d8", DRIPPERS, GOOD_LETTERS)
    control = await drip(folder / "d8-control", 50, 50, patience=3, every=0.5, grace_seconds="3600")
    return row(
        "D8",
        control=not control.all_closed,
        figure=round(told.beside / told.alone, 3),
        target=0.9,
        unit="of the rate without drippers",
        kept=told.all_closed and told.beside >= 0.9 * told.alone and not told.refused,
        letters_a_second_alone=told.alone,
        letters_a_second_beside=told.beside,
        drippers=DRIPPERS,
        ended=told.ended,
    )
