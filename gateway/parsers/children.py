"""The gateway's side of reading: a few unprivileged children, each with one letter at a time, replaced when they fall.

A letter that eats memory, never ends or kills its reader costs that letter alone (design.md, decision 8). A letter
that killed two readers is poison: it is not handed to a third.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

import gateway
from gateway.beside import beside, pieces
from gateway.document import Reading
from gateway.errors import HuitaineError, ReaderUnavailable, ReadingFailed, UnreadableDocument
from gateway.parsers.wire import (
    PREFIX,
    Answer,
    Answered,
    Failed,
    Ready,
    Refused,
    Request,
    answer_in,
    frame,
    length_of,
    reading_in,
)

MEMORY = 512 * 1024 * 1024
POISON = "reader-poison: this content killed two readers"
_CPU_SECONDS = 600
_START_SECONDS = 30.0
_LEAST_SHARE = 5
"""A child that had less than this part of its seconds on a processor was not slow."""
_DEATHS_REMEMBERED = 1024
_BUFFER = 1 << 20
_PROGRAM = ("-P", "-m", "gateway.parsers.child")

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Child:
    """One reading process and our end of the socket pair that is its standard input and output."""

    process: asyncio.subprocess.Process
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader

    async def ask(self, request: bytes, largest: int) -> Answer:
        """Send a frame, get the answer; any disorder raises, and the child must then be thrown away."""
        for piece in pieces(request):
            self.writer.write(piece)
            await self.writer.drain()
        return await self.hear(largest)

    async def hear(self, largest: int) -> Answer:
        """The next answer."""
        size = length_of(await self.reader.readexactly(PREFIX))
        if size > largest:
            raise ValueError("answer-too-large")
        return await beside(size, answer_in, await self.reader.readexactly(size))

    async def end(self) -> int:
        """Kill it, wait until it is gone, and tell how it ended."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
        return await self.process.wait()


class Readers:
    """A pool of reading children; ``start`` before the first letter, ``close`` at the end."""

    def __init__(
        self, *, children: int = 2, memory: int = MEMORY, seconds: float = 5, program: Sequence[str] = _PROGRAM
    ) -> None:
        """``program`` is what the interpreter runs, replaced only where a test needs a misbehaving reader."""
        self._children = children
        self._memory = memory
        self._seconds = seconds
        self._program = tuple(program)
        self._idle: asyncio.Queue[_Child | None] = asyncio.Queue()
        self._all: set[_Child] = set()
        self._replacing: set[asyncio.Task[None]] = set()
        self._deaths: OrderedDict[bytes, int] = OrderedDict()
        self._closed = False
        self.fallen = 0
        """How many children were replaced because they fell, not because they had worked long enough."""

    async def start(self) -> None:
        """Start all children; returns once each is confined; raises :class:`ReadingFailed` if one cannot start."""
        started = await asyncio.gather(*(self._spawn() for _ in range(self._children)), return_exceptions=True)
        for child in started:
            if isinstance(child, BaseException):
                await self.close()
                raise child
            self._idle.put_nowait(child)

    async def read(self, content: bytes, *, name: str = "", expect_mail: bool = False) -> Reading:
        """Read in a child.

        Raises :class:`UnreadableDocument` with the findings when the letter is refused (by exception or by an error
        among the findings), :class:`ReadingFailed` when the child died, ran out of memory or took too long over it,
        :class:`ReaderUnavailable` when there is no child to read it, or the machine gave it no time.
        """
        answer = await self.look(content, name=name, expect_mail=expect_mail)
        if isinstance(answer, Refused):
            raise UnreadableDocument(answer.findings, answer.detail)
        if not answer.accepted:
            raise UnreadableDocument(answer.findings)
        return answer

    async def look(self, content: bytes, *, name: str = "", expect_mail: bool = False) -> Reading | Refused:
        """The same for who wants to see what was read of a refused letter too; raises for trouble of ours only."""
        if self._deaths and self._deaths.get(await beside(len(content), _digest, content), 0) >= 2:
            raise ReadingFailed(POISON)
        return await self._answer(content, await beside(len(content), frame, Request(content, name, expect_mail)))

    async def close(self) -> None:
        """End all children; letters being read then fail as transient."""
        self._closed = True
        await asyncio.gather(*self._replacing)
        await asyncio.gather(*(child.end() for child in self._all))
        self._all.clear()

    async def _answer(self, content: bytes, request: bytes) -> Reading | Refused:
        child = await self._take()
        keep, began = False, _cpu_seconds(child.process.pid)
        try:
            async with asyncio.timeout(self._seconds):
                answer = await child.ask(request, self._memory)
            if isinstance(answer, Answered | Refused):
                heard = reading_in(answer, content) if isinstance(answer, Answered) else answer
                keep = not answer.retiring
                return heard
            detail = f"reader-raised {answer.exception}" if isinstance(answer, Failed) else "reader-disorder"
            raise await self._blame(content, detail)
        except TimeoutError:
            raise await self._too_slow(content, _cpu_seconds(child.process.pid) - began) from None
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError, ValueError) as trap:
            raise await self._blame(content, f"reader-died {type(trap).__name__}") from None
        finally:
            self._give_back(child, keep=keep)

    async def _too_slow(self, content: bytes, worked: float) -> HuitaineError:
        """On a machine that stood still, or has much else to do, no letter is to blame: the child hardly ran."""
        if worked < self._seconds / _LEAST_SHARE:
            return ReaderUnavailable("reader-starved")
        return await self._blame(content, "reader-too-slow")

    async def _blame(self, content: bytes, detail: str) -> ReadingFailed:
        """Remember whom the child fell over; the oldest memory goes when there are too many."""
        self.fallen += 1
        digest = await beside(len(content), _digest, content)
        self._deaths[digest] = self._deaths.pop(digest, 0) + 1
        while len(self._deaths) > _DEATHS_REMEMBERED:
            self._deaths.popitem(last=False)
        return ReadingFailed(detail)

    async def _take(self) -> _Child:
        """An idle child; ``None`` in the queue stands for one that could not be started and is tried again."""
        if self._closed:
            raise ReaderUnavailable("readers-closed")
        child = await self._idle.get()
        if child is not None:
            return child
        try:
            return await self._spawn()
        except ReadingFailed as failure:
            self._idle.put_nowait(None)
            raise ReaderUnavailable(failure.detail) from failure
        except BaseException:
            self._idle.put_nowait(None)
            raise

    def _give_back(self, child: _Child, *, keep: bool) -> None:
        if keep and not self._closed:
            self._idle.put_nowait(child)
            return
        task = asyncio.create_task(self._replace(child))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _replace(self, child: _Child) -> None:
        """End a child in whatever state it is, and start another unless the pool is closing."""
        self._all.discard(child)
        status = await child.end()
        if self._closed:
            return
        log.warning("reader-replaced", status=status)
        try:
            self._idle.put_nowait(await self._spawn())
        except ReadingFailed as failure:
            log.error("reader-not-started", detail=failure.detail)  # noqa: TRY400  # codes only: no trace, it could quote
            self._idle.put_nowait(None)

    async def _spawn(self) -> _Child:
        """Start a child and hear that it has given up its rights."""
        try:
            child = await self._launch()
        except OSError as error:  # no more processes, memory or descriptors
            raise ReadingFailed(f"reader-start {type(error).__name__}") from error
        try:
            async with asyncio.timeout(_START_SECONDS):
                answer = await child.hear(_BUFFER)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError, ValueError) as trap:
            status = await child.end()
            raise ReadingFailed(f"reader-start {type(trap).__name__} status {status}") from trap
        if not isinstance(answer, Ready):
            await child.end()
            raise ReadingFailed("reader-start disorder")
        log.debug("reader-started", denied=answer.denied)
        self._all.add(child)
        return child

    async def _launch(self) -> _Child:
        """A process without the gateway's environment, session, descriptors or standard error (it could quote)."""
        ours, theirs = socket.socketpair()
        try:
            return await self._between(ours, theirs)
        except BaseException:
            ours.close()
            raise

    async def _between(self, ours: socket.socket, theirs: socket.socket) -> _Child:
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._program,
                str(self._memory),
                str(_CPU_SECONDS),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": str(Path(gateway.__file__).parents[1]), "LANG": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=_BUFFER)
        return _Child(process, writer, reader)


def _digest(content: bytes) -> bytes:
    return sha256(content).digest()


def _cpu_seconds(pid: int) -> float:
    """What a process has had of processors; 0 when it is gone. Its clock's number is as in clock_getcpuclockid(3)."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0
