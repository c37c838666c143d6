"""A7 and A8: sessions cut anywhere, and answers to the dot that never arrive; the hospital tries again (promises.md A).

``FAULT_CUTS`` and ``FAULT_EATEN`` are the sizes of the full forms.
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.campaign import Plan, Scene, drained, scene
from tests.faults.campaigns import Row, row
from tests.faults.ledger import Balance, balance, looking
from tests.faults.process import HONEST
from tests.faults.sender import Smtp, Yes

CUTS, EATEN = int(os.environ.get("FAULT_CUTS", "1000")), int(os.environ.get("FAULT_EATEN", "500"))
NEVER_WITHDRAWS = ("-m", "tests.faults.broken.never_withdraws")
NO_MEMORY = {"HUITAINE__QUEUE__REPLAY_HOURS": "0"}
_AT_ONCE = 8
_SHORT_PDF = b"%PDF-1.7\n" + b"lettre " * 200


class Wire:
    """The network under one connection: passes octets until it is told to lose them."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.sent = 0
        """Octets of the client that were passed on."""
        self.cut_after: int | None = None
        self.ends_politely = False
        """The client's side is closed (FIN) rather than reset."""
        self.eats_answers = False
        """The next octets of the server are lost, and the connection with them."""

    def cut(self) -> None:
        """Lose the connection now, on both sides."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Stand between the client and the target."""
        with contextlib.suppress(OSError):
            behind, onwards = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers += [writer, onwards]
            await asyncio.gather(self._up(reader, onwards), self._down(behind, writer))

    async def _up(self, reader: asyncio.StreamReader, onwards: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                left = None if self.cut_after is None else self.cut_after - self.sent
                onwards.write(data if left is None else data[:left])
                self.sent += len(data)
                await onwards.drain()
                if left is not None and left <= len(data):
                    onwards.close() if self.ends_politely else self.cut()
                    return
            onwards.close()

    async def _down(self, behind: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await behind.read(65536):
                if self.eats_answers:
                    self.cut()
                    return
                writer.write(data)
                await writer.drain()
            writer.close()


@contextlib.asynccontextmanager
async def wire(target: int) -> AsyncIterator[Wire]:
    """A wire to ``target`` for one connection."""
    between = Wire(target)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        between.cut()


class Cutting(Smtp):
    """The hospital's connection, which does something to its wire with the dot."""

    def __init__(self, here: Scene, between: Wire, *, eat: bool = False, leave_after: float | None = None) -> None:
        super().__init__(replace(here.place, smtps=between.port))
        self._wire, self._eat, self._leave_after = between, eat, leave_after

    async def _ask(self, line: bytes) -> str:
        if line.endswith(b"\r\n."):
            self._wire.eats_answers = self._eat
            if self._leave_after is not None:
                asyncio.get_running_loop().call_later(self._leave_after, self._wire.cut)
        return await super()._ask(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of letters whose first session was cut, once each was handed in until a yes was heard."""

    balance: Balance
    heard_at_once: int
    withdrawn: int
    both_withdrawn_and_kept: int

    @property
    def whole(self) -> bool:
        """No letter is lost, half kept, kept twice, or kept without anybody having been told."""
        found = self.balance
        return not (found.lost or found.strangers or found.damaged or found.duplicated or self.both_withdrawn_and_kept)


async def _once(here: Scene, content: bytes, between: Wire, **dot: float | bool) -> str | None:
    """The letter's id when a yes was heard."""
    connection = Cutting(here, between, **dot)  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(60):
            return connection.promised(await connection.send(content))
    except (OSError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
        return None
    finally:
        await connection.close()


async def _whole_session(here: Scene) -> int:
    """How many octets a client of a whole session sends."""
    async with wire(here.place.smtps) as between:
        letter = await _once(here, Cutting.letter("measure", 0, _SHORT_PDF), between)
        assert letter is not None
        here.hospital.heard.yes.append(Yes(0, "smtp", letter))
        return between.sent


async def cut_anywhere(folder: Path, count: int, *, entry: Sequence[str] = HONEST, **gateway: object) -> Tried:
    """Half of the sessions lose the network at a random octet, half of them a moment after the dot."""
    async with scene(folder, Plan(entry=entry, cut=0.0), **gateway) as here:
        longest = await _whole_session(here)

        async def first(content: bytes) -> str | None:
            async with wire(here.place.smtps) as between:
                if random.random() < 0.5:
                    return await _once(here, content, between, leave_after=random.uniform(0, 0.02))
                between.cut_after, between.ends_politely = random.randrange(longest), random.random() < 0.3
                return await _once(here, content, between)

        return await _until_all_are_told(here, count, first)


async def eat_answers(folder: Path, count: int, *, entry: Sequence[str] = HONEST, **gateway: object) -> Tried:
    """The network eats every first answer to the dot."""
    async with scene(folder, Plan(entry=entry, cut=0.0), **gateway) as here:

        async def first(content: bytes) -> str | None:
            async with wire(here.place.smtps) as between:
                return await _once(here, content, between, eat=True)

        return await _until_all_are_told(here, count, first)


async def _until_all_are_told(here: Scene, count: int, first) -> Tried:
    run, heard, at_once = os.urandom(6).hex(), here.hospital.heard, 0
    numbers = iter(range(1, count + 1))

    async def work() -> None:
        nonlocal at_once
        for number in numbers:
            content = Cutting.letter(run, number, _SHORT_PDF)
            letter = await first(content)
            at_once += letter is not None
            while letter is None:
                async with wire(here.place.smtps) as between:
                    letter = await _once(here, content, between)
            heard.yes.append(Yes(number, "smtp", letter))

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    await drained(here)
    await asyncio.to_thread(here.gateway.stop)
    return _tried(here, at_once)


def _tried(here: Scene, at_once: int) -> Tried:
    with looking(here.place.database) as connection:
        withdrawn = connection.execute("SELECT count(*) FROM entry WHERE kind = 'withdrawn'").fetchone()[0]
        both = connection.execute(
            "SELECT count(*) FROM entry JOIN letter ON letter.id = entry.letter_id WHERE kind = 'withdrawn'"
        ).fetchone()[0]
    return Tried(
        balance=balance(here.place.database, here.hospital.heard.yes, here.hop.arrivals()),
        heard_at_once=at_once,
        withdrawn=withdrawn,
        both_withdrawn_and_kept=both,
    )


def _row(promise: str, told: Tried, *, control: bool, **more: object) -> Row:
    found = told.balance
    return row(
        promise,
        control=control,
        kept=told.whole,
        acknowledged=found.acknowledged,
        lost=len(found.lost),
        duplicated=found.duplicated,
        unexplained=len(found.unexplained) + len(found.strangers) + told.both_withdrawn_and_kept,
        heard_at_once=told.heard_at_once,
        withdrawn=told.withdrawn,
        **more,
    )


async def a7(folder: Path) -> Row:
    """A thousand sessions cut at a random octet or after the dot."""
    told = await cut_anywhere(folder / "a7", CUTS)
    control = await cut_anywhere(folder / "a7-control", 100, entry=NEVER_WITHDRAWS, environment=NO_MEMORY)
    return _row("A7", told, control=not control.whole)


async def a8(folder: Path) -> Row:
    """Five hundred answers to the dot eaten, each letter sent again."""
    told = await eat_answers(folder / "a8", EATEN)
    control = await eat_answers(folder / "a8-control", 50, environment=NO_MEMORY)
    strangers = len(control.balance.strangers)
    return _row("A8", told, control=strangers >= 40, control_kept_twice=strangers)
