"""The asyncio protocol under an open session: commands out, replies in, with flow control and a deadline each."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from gateway.smtp.courier.replies import NotSmtp, Reply, ReplyReader


class Dialogue(asyncio.Protocol):
    """Takes over a transport whose greeting, TLS and login are done.

    Replies are kept in order of arrival; one that nobody asked for stays visible in ``has_unread``.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """From here on the transport's bytes come to us."""
        self._transport = transport
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._broken: Exception | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._late = False
        self._lost = asyncio.Event()
        transport.set_protocol(self)
        # Room means: all of it is with the kernel. Not high=0: asyncio's TLS pauses at >= high, on an empty buffer too,
        # and every hand-over would wait for its whole block timeout.
        transport.set_write_buffer_limits(high=1, low=0)

    @property
    def is_open(self) -> bool:
        """Whether another command could be written."""
        return self._broken is None and not self._transport.is_closing()

    @property
    def has_unread(self) -> bool:
        """Whether the server said anything that no command asked for yet."""
        return bool(self._replies) or not self._reader.is_empty

    def data_received(self, data: bytes) -> None:
        """Collects replies; the first byte that is not SMTP ends the connection."""
        if self._broken is not None:
            return
        try:
            for reply in self._reader.feed(data):
                self._replies.append(reply)
        except NotSmtp as error:
            self._break(error)
            self._transport.abort()
        self._wake()

    def eof_received(self) -> bool:
        """The server closed its side: nothing more can be asked."""
        self._break(ConnectionResetError("closed by the next hop"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Wakes whoever waits."""
        self._lost.set()
        self._break(exc or ConnectionResetError("connection lost"))

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """The transport's buffer has room."""
        self._paused = False
        self._wake()

    def write(self, data: bytes) -> None:
        """Queues bytes for the server; ``ConnectionError`` when there is none any more."""
        if self._broken is not None:
            raise ConnectionResetError("connection lost") from self._broken
        self._transport.write(data)

    async def reply(self, seconds: float) -> Reply:
        """The next reply; ``TimeoutError``, ``OSError`` or ``NotSmtp`` when none comes."""
        if not self._replies:
            await self._until(lambda: bool(self._replies), seconds)
        return self._replies.popleft()

    async def room(self, seconds: float) -> None:
        """Returns when the buffer has room or the server spoke; ``TimeoutError`` or ``OSError`` otherwise."""
        if self._paused and not self.has_unread:
            await self._until(lambda: not self._paused or self.has_unread, seconds)
        self._raise_if_broken()

    def close(self) -> None:
        """Ends the connection politely; safe to call twice."""
        if self.is_open and not self._paused:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()

    async def end(self, seconds: float) -> None:
        """Ends politely, waits so long for the other side's goodbye, then cuts: on return the socket is closed."""
        self.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._lost.wait(), seconds)
            return
        self.abort()
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Ends the connection at once, unsent bytes included."""
        self._transport.abort()

    async def _until(self, over: Callable[[], bool], seconds: float) -> None:
        """Waits until ``over``; a bare timer, because ``asyncio.timeout`` costs more than a short reply."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds, self._too_late)
        self._late = False
        try:
            while not over():
                self._raise_if_broken()
                if self._late:
                    raise TimeoutError
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            self._waiter = None
            timer.cancel()

    def _too_late(self) -> None:
        self._late = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, error: Exception) -> None:
        self._broken = self._broken or error
        self._wake()

    def _raise_if_broken(self) -> None:
        if isinstance(self._broken, (OSError, NotSmtp)):
            raise self._broken
        if self._broken is not None:
            raise ConnectionResetError("connection lost") from self._broken
