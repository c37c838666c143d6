"""The MLLP listeners: many messages per connection, one at a time, each answered before the next is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from types import MappingProxyType

import structlog

from gateway.accepting import Accepting, open_sockets, unproved, why_no_handshake
from gateway.ingest.intake import Clock, Ids, Intake
from gateway.ingest.mllp.answering import Answering
from gateway.ingest.mllp.framing import END, START, Frame, Framing, Room
from gateway.ingest.mllp.settings import MllpDoorSettings, MllpListener

_CHUNK = 64 << 10
_HANDSHAKE_SECONDS = 15.0
_GOODBYE_SECONDS = 5.0
_PATIENCE_WITH_TOO_LARGE = 4
"""So many times the size limit are drained, so that the sender hears why; then the connection ends."""

_log = structlog.get_logger()


class MllpDoor:
    """Open listeners; ``ports`` tells the port of each by the listener's name."""

    def __init__(self, settings: MllpDoorSettings, intake: Intake, clock: Clock, ids: Ids) -> None:
        self._settings = settings
        self._answering = Answering(settings, intake, clock, ids)
        self._servers: dict[str, Accepting] = {}
        self._connections: set[_Connection] = set()
        self._room = Room(limit=settings.limits.room)
        self.closing = asyncio.Event()

    @property
    def ports(self) -> MappingProxyType[str, int]:
        """The port of each listener."""
        return MappingProxyType({name: server.port for name, server in self._servers.items()})

    @property
    def connections(self) -> int:
        """Connections open now."""
        return len(self._connections)

    async def open(self) -> None:
        """Listen; raises ``OSError`` with nothing open when one port cannot be had."""
        try:
            for listener in self._settings.listeners:
                self._servers[listener.name] = await self._listen(listener)
        except OSError:
            await self.close()
            raise
        _log.info("mllp_open", ports=dict(self.ports))

    async def close(self) -> None:
        """Stop listening; messages being taken are answered, then every connection ends (promise F6)."""
        self.closing.set()
        for server in self._servers.values():
            await server.close()
        for connection in list(self._connections):
            connection.end_if_idle()
        tasks = [connection.task for connection in self._connections]
        if tasks:
            await asyncio.wait(tasks, timeout=self._settings.limits.drain.total_seconds())
        for connection in list(self._connections):
            connection.task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, listener: MllpListener) -> Accepting:
        async def arrive(connection: socket.socket, _address: str) -> None:
            await self._arrive(listener, connection)

        def cannot(error: OSError) -> None:
            _log.error("mllp_cannot_accept", listener=listener.name, error=error.errno)

        sockets = await open_sockets(listener.host, listener.port, reuse_port=listener.reuse_port)
        return Accepting(sockets, arrive, cannot)

    async def _arrive(self, listener: MllpListener, connection: socket.socket) -> None:
        """From a socket to a session; a handshake that fails is one line in the log, and ends this connection alone."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, partial(self._serve, listener))
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=listener.tls,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if listener.tls else None,
            )
        except OSError as error:
            log = _log.warning if unproved(error) else _log.info
            log("mllp_handshake_failed", listener=listener.name, reason=why_no_handshake(error))
        except asyncio.CancelledError:
            connection.close()
            raise

    async def _serve(self, listener: MllpListener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, listener, reader, writer)
        welcome = self._make_place()
        self._connections.add(connection)
        try:
            if welcome:
                await connection.run(self._settings, self._answering, self._room)
            else:
                _log.warning("mllp_too_many_connections")
        except OSError as error:
            _log.info("mllp_lost_connection", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001  (atop a task: asyncio would print what it quotes)
            _log.error("mllp_connection_fault", error=type(error).__name__)
        finally:
            self._connections.discard(connection)
            await _closed(writer)

    def _make_place(self) -> bool:
        """Whether one more may come: when all places are taken, the connection that has been idle longest goes."""
        limits = self._settings.limits
        if len(self._connections) < limits.max_connections:
            return True
        idle = max(self._connections, key=lambda connection: connection.idle_seconds)
        if idle.idle_seconds < limits.evict.total_seconds():
            return False
        _log.info("mllp_idle_connection_ended", seconds=int(idle.idle_seconds))
        idle.end_if_idle()
        return True


class _Connection:
    def __init__(
        self, door: MllpDoor, listener: MllpListener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  for mypy; a coroutine always runs in one
        self.task: asyncio.Task[None] = task
        self._door = door
        self._listener = listener
        self._reader = reader
        self._writer = writer
        self._busy = False
        self._block_began = 0.0
        self._idle_since: float | None = asyncio.get_running_loop().time()

    @property
    def idle_seconds(self) -> float:
        """How long it has waited between two messages; negative in the middle of one."""
        return -1.0 if self._idle_since is None else asyncio.get_running_loop().time() - self._idle_since

    async def run(self, settings: MllpDoorSettings, answering: Answering, room: Room) -> None:
        """Until the client ends, goes silent, or sends what is no MLLP."""
        framing = Framing(settings.limits.max_size, room)
        try:
            await self._converse(framing, settings, answering)
        finally:
            framing.end()

    async def _converse(self, framing: Framing, settings: MllpDoorSettings, answering: Answering) -> None:
        while not self._door.closing.is_set():
            data = await self._read(framing, settings)
            if not data:
                return
            within = framing.inside
            frames = framing.feed(data)
            if frames or not within:
                self._block_began = asyncio.get_running_loop().time()
            self._idle_since = None
            try:
                await self._answer(frames, answering, settings.limits.listening.total_seconds())
            finally:
                for frame in frames:
                    framing.give_back(frame)
            self._idle_since = None if framing.inside else asyncio.get_running_loop().time()
            if framing.junk > settings.limits.max_junk:
                _log.warning("mllp_not_mllp", junk=framing.junk)
                return
            if framing.size > _PATIENCE_WITH_TOO_LARGE * settings.limits.max_size:
                _log.warning("mllp_endless_block", size=framing.size)
                return

    async def _answer(self, frames: list[Frame], answering: Answering, patience: float) -> None:
        """Each in its turn; raises ``TimeoutError`` when the client does not take its answers off the line."""
        for frame in frames:
            if self._door.closing.is_set():
                return
            self._busy = True
            answer = await answering.answer(frame, self._listener, self._writer.get_extra_info("peercert"))
            self._writer.write(START + answer + END)
            try:
                async with asyncio.timeout(patience):
                    await self._writer.drain()
            except TimeoutError:
                self._writer.transport.abort()
                raise
            self._busy = False

    async def _read(self, framing: Framing, settings: MllpDoorSettings) -> bytes:
        """More octets; empty at the end. Half a block is waited for as long as its octets have bought."""
        limits = settings.limits
        seconds = limits.idle.total_seconds()
        now = asyncio.get_running_loop().time()
        if framing.inside:
            credit = limits.grace.total_seconds() + framing.size / limits.bytes_per_second
            seconds = min(seconds, max(0.0, self._block_began + credit - now))
        try:
            async with asyncio.timeout(seconds):
                data = await self._reader.read(_CHUNK)
        except TimeoutError:
            _log.info("mllp_silent", half_block=framing.size)
            return b""
        if not data and framing.inside:
            _log.info("mllp_half_block", size=framing.size)
        return data

    def end_if_idle(self) -> None:
        """End a connection that waits for its next message, or for the rest of one."""
        if not self._busy:
            self._idle_since = None
            self._reader.feed_eof()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close when the last answer has left; a client that does not take it is cut off."""
    writer.close()
    with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await writer.wait_closed()
    writer.transport.abort()


async def open_mllp_door(settings: MllpDoorSettings, intake: Intake, clock: Clock, ids: Ids) -> MllpDoor:
    """Listen on every listener of ``settings``; raises ``OSError`` with none open when one port cannot be had."""
    door = MllpDoor(settings, intake, clock, ids)
    await door.open()
    return door
