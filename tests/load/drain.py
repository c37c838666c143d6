"""Promise B8: back from an outage of the next hop, what waited leaves, and the hop is not stormed.

FAULT_B8_LETTERS (5,000) real letters are kept and planned while the hop is away, on a queue filled up to FAULT_B8_DEPTH
(100,000) with deliveries that are due later; then the hop opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

from config.settings import load
from gateway.identifiers import new_letter_id
from gateway.letter import AddressedLetter, Door, Envelope, KeptLetter, ReceivedLetter, Recipient
from gateway.moments import utc_now
from gateway.queue.planning import make_plan
from gateway.service.build import Gateway, build
from tests.faults.campaigns import Row, row
from tests.faults.deep import later_too
from tests.faults.hop import Hop, running_hop
from tests.faults.place import TO, Place, prepare
from tests.faults.process import GatewayProcess
from tests.peers.authority import make_authority
from tests.peers.running import free_port

RATE, CONNECTIONS = 250.0, 20
LETTER = (
    "From: <dpi@hospital.test>\r\nTo: <{to}>\r\nSubject: Essai\r\nMessage-ID: <b8-{n}@hospital.test>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nCourrier d'essai {n}.\r\n"
)


async def b8(folder: Path) -> Row:
    """How fast the queue drains and over how many connections; control: a hop that takes nothing."""
    letters, depth = (int(os.environ.get(f"FAULT_B8_{name}", size)) for name, size in SIZES.items())
    found = await drain(folder / "b8", letters=letters, depth=depth)
    stuck = await drain(folder / "stuck", letters=50, depth=50, defer=1.0, patience=10)
    return row(
        "B8",
        control=stuck.arrived == 0,
        acknowledged=letters,
        lost=letters - found.arrived,
        duplicated=found.copies,
        figure=round(found.rate, 1),
        target=RATE,
        unit="letters a second that leave a queue after an outage",
        connections=found.connections,
        cpu_ms=round(found.cpu_ms, 2),
        rows=depth,
        kept=found.rate >= RATE and found.connections <= CONNECTIONS,
    )


SIZES = {"LETTERS": "5000", "DEPTH": "100000"}


class Drained:
    """What the hop saw."""

    def __init__(self) -> None:
        self.arrived = self.copies = self.connections = 0
        self.rate = self.cpu_ms = 0.0


async def drain(folder: Path, *, letters: int, depth: int, defer: float = 0.0, patience: float = 600) -> Drained:
    """Keep and plan ``letters``, then open the hop and the gateway, and watch until all have arrived."""
    (folder / "tls").mkdir(parents=True)
    authority, port = make_authority(folder / "tls"), free_port()
    place = prepare(folder / "gateway", authority, port)
    await _preload(place, letters)
    await asyncio.to_thread(later_too, place.database, depth - letters)
    with running_hop(authority, folder / "arrivals", defer=defer, port=port) as hop:
        process = GatewayProcess(place, folder / "serve.log")
        try:
            await asyncio.to_thread(process.open)
            return await _watched(hop, process, letters, patience)
        finally:
            process.end()


async def _watched(hop: Hop, process: GatewayProcess, letters: int, patience: float) -> Drained:
    found, began = Drained(), time.monotonic()
    worked = _cpu_seconds(process.pid)
    first: float | None = None
    while found.arrived < letters and time.monotonic() - began < patience:
        await asyncio.sleep(0.1)
        found.connections = max(found.connections, _connections(hop.port))
        seen = [each.letter for each in await asyncio.to_thread(hop.arrivals) if not each.notice]
        found.arrived, found.copies = len(set(seen)), len(seen) - len(set(seen))
        if seen and first is None:
            first, before = time.monotonic(), len(seen)
        if first is not None and time.monotonic() > first:
            found.rate = (found.arrived - before) / (time.monotonic() - first)
    found.cpu_ms = 1000 * (_cpu_seconds(process.pid) - worked) / max(found.arrived, 1)
    return found


def _cpu_seconds(pid: int) -> float:
    """What the gateway, without its readers, had of processors (clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def _connections(port: int) -> int:
    """Established connections at the hop (proc(5), /proc/net/tcp: state 01)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01" for line in lines)


async def _preload(place: Place, letters: int) -> None:
    gateway = build(load(place.settings), clock=utc_now)
    await gateway.readers.start()
    try:
        model = await _model(gateway)
        for first in range(0, letters, 64):
            await asyncio.gather(*(_planned(gateway, model, n) for n in range(first, min(first + 64, letters))))
    finally:
        await gateway.readers.close()
        with contextlib.closing(gateway.store):
            await gateway.courier.end()


async def _model(gateway: Gateway) -> AddressedLetter:
    """One letter read and addressed; the others are as it is, with ids and bytes of their own."""
    kept = KeptLetter(received=_received(0))
    (parsed,) = gateway.journey.parts(kept, await gateway.journey.read(kept))
    return gateway.journey.stations.addressing.address(parsed)


async def _planned(gateway: Gateway, model: AddressedLetter, n: int) -> None:
    kept = await gateway.store.keep(_received(n))
    letter = replace(model, parsed=replace(model.parsed, id=kept.id, kept=kept))
    dispatch = replace(gateway.worker.dispatch(), room=lambda _: False)
    await gateway.store.plan(make_plan(gateway.store, [letter], now=utc_now(), dispatch=dispatch).planning)


def _received(n: int) -> ReceivedLetter:
    return ReceivedLetter(
        id=new_letter_id(),
        door=Door.SMTP,
        source="dpi",
        envelope=Envelope(sender="dpi@hospital.test", recipients=(Recipient(address=TO),)),
        content=LETTER.format(to=TO, n=n).encode(),
        received_at=utc_now(),
    )
