"""CPU time of each station alone, in one process, on the letter of the benchmark."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from config.settings import Settings, load
from gateway.identifiers import LetterId, new_delivery_id, new_letter_id
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
from gateway.service.from_settings.doors import smtp_settings
from gateway.smtp.server import open_smtp_doors
from tests.bench.blaster import TEMPLATE, letter_body
from tests.bench.road import GP, Installed, install_bench
from tests.peers.authority import Authority

TIMES = 300


def cpu_by_station(authority: Authority, sink_port: int) -> dict[str, float]:
    """CPU milliseconds per letter: door, keep, read (in and around the child), address, compose, seal, hand over."""
    folder = Path(tempfile.mkdtemp(prefix="hs"))
    return asyncio.run(_measure(install_bench(folder / "gateway", authority, sink_port)))


class Nowhere:
    """An intake that costs nothing: what is left is the door."""

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        return KeptLetter(received=letter)

    async def withdraw(self, letter: LetterId) -> bool:
        return False


async def _measure(here: Installed) -> dict[str, float]:
    settings = load(here.settings)
    gateway = build(settings, clock=utc_now)
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
    sealed = await gateway.journey.seal(step)
    found = {
        "door, TLS": await _door(here, settings),
        "keep": await _awaited(lambda: gateway.store.keep(_received(content))),
        "read, in the child": _timed(lambda: read(content, expect_mail=True)),
        "read, around the child": await _awaited(lambda: gateway.readers.read(content, name="", expect_mail=True)),
        "address": _timed(lambda: stations.addressing.address(parsed)),
        "compose": await _awaited(compose),
        "seal": await _awaited(lambda: stations.sealer.seal(mail)),
        "compose and seal": await _awaited(lambda: gateway.journey.seal(step)),
        "hand over, TLS": await _awaited(lambda: gateway.courier.deliver(sealed)),
    }
    await gateway.courier.end()
    await gateway.readers.close()
    gateway.store.close()
    return found


async def _door(here: Installed, settings: Settings) -> float:
    """Our own CPU time while a process of its own hands letters in."""
    wanted = smtp_settings(settings)
    assert wanted is not None
    doors = await open_smtp_doors(wanted, Nowhere(), utc_now, new_letter_id)
    arguments = (str(here.port), str(here.ca), str(TIMES), "4", GP, here.login, here.password)
    start = time.process_time()
    blaster = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.blaster", *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    await blaster.wait()
    spent = time.process_time() - start
    await doors.close()
    return round(spent * 1000 / TIMES, 3)


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
