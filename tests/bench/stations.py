"""CPU time of each station alone, in one process, on the letter of the benchmark."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from config.settings import load
from gateway.identifiers import new_delivery_id, new_letter_id
from gateway.letter import (
    Addressed,
    AddressedLetter,
    ComposedMail,
    Door,
    Envelope,
    KeptLetter,
    ReceivedLetter,
    Recipient,
    Step,
)
from gateway.moments import utc_now
from gateway.parsers.read import read
from gateway.service.build import build
from tests.bench.blaster import TEMPLATE, letter_body
from tests.bench.road import GP, install_bench
from tests.peers.authority import make_authority

TIMES = 300


def cpu_by_station() -> dict[str, float]:
    """Milliseconds of CPU per letter: keep, read (in the child, and around it), address, compose, seal."""
    folder = Path(tempfile.mkdtemp(prefix="hs"))
    (folder / "tls").mkdir()
    here = install_bench(folder / "gateway", make_authority(folder / "tls"), 1)
    return asyncio.run(_measure(here.settings))


async def _measure(settings: Path) -> dict[str, float]:
    gateway = build(load(settings), clock=utc_now)
    await gateway.readers.start()
    content = TEMPLATE.format(to=GP, run="x", n=0, pdf=letter_body()).encode()
    stations = gateway.journey.stations
    kept = KeptLetter(received=_received(content))
    reading = await gateway.readers.read(content, name="", expect_mail=True)
    (parsed,) = gateway.journey.parts(kept, reading)
    letter = stations.addressing.address(parsed)
    outcome = letter.outcomes[0]
    assert isinstance(outcome, Addressed), outcome
    step = Step(letter=letter, addressed=outcome, delivery=new_delivery_id(), attempt=1)
    compose = _compose(stations.composer.compose, letter, outcome)
    mail = await compose()
    found = {
        "keep": await _awaited(lambda: gateway.store.keep(_received(content))),
        "read, in the child": _timed(lambda: read(content, expect_mail=True)),
        "read, around the child": await _awaited(lambda: gateway.readers.read(content, name="", expect_mail=True)),
        "address": _timed(lambda: stations.addressing.address(parsed)),
        "compose": await _awaited(compose),
        "seal": _timed(lambda: stations.sealer.seal(mail)),
        "compose and seal": await _awaited(lambda: gateway.journey.seal(step)),
    }
    await gateway.readers.close()
    gateway.store.close()
    return found


def _compose(
    compose: Callable[..., Awaitable[ComposedMail]], letter: AddressedLetter, outcome: Addressed
) -> Callable[[], Awaitable[ComposedMail]]:
    return lambda: compose(letter, outcome, delivery=new_delivery_id(), message_id="<bench@hospital.test>")


def _received(content: bytes) -> ReceivedLetter:
    return ReceivedLetter(
        id=new_letter_id(),
        door=Door.SMTP,
        source="dpi",
        envelope=Envelope(sender="dpi@hospital.test", recipients=(Recipient(address=GP),)),
        content=content,
        received_at=utc_now(),
    )


def _timed(work: Callable[[], object]) -> float:
    work()
    start = time.process_time()
    for _ in range(TIMES):
        work()
    return round((time.process_time() - start) * 1000 / TIMES, 3)


async def _awaited(work: Callable[[], Awaitable[object]]) -> float:
    await work()
    start = time.process_time()
    for _ in range(TIMES):
        await work()
    return round((time.process_time() - start) * 1000 / TIMES, 3)
