"""A TCP proxy that cuts connections where it is told: the network's part in a test (promises.md, harness)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class ChaosProxy:
    """Where to connect, and how many connections were made and cut."""

    port: int
    connections: int = 0
    cuts: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    passed: bytearray = field(default_factory=bytearray)
    """Every byte of the client's, as whoever stands in the middle reads it."""

    def cut_all(self) -> None:
        """Ends every connection at once."""
        for writer in self.writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def chaos_proxy(
    target: int, bytes_to_pass: Callable[[], int | None] = lambda: None, tamper: Callable[[bytes], bytes] = bytes
) -> AsyncIterator[ChaosProxy]:
    """Passes ``bytes_to_pass()`` bytes of the server per connection (``None``: all), then cuts both sides.

    ``tamper`` may change what the server says, piece by piece.
    """
    proxy = ChaosProxy(port=0)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        proxy.connections += 1
        proxy.writers.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            behind, onwards = await asyncio.open_connection("127.0.0.1", target)
            proxy.writers.add(onwards)
            up = asyncio.create_task(_pass(reader, onwards, None, proxy.passed))
            tasks.add(up)
            if await _pass(behind, writer, bytes_to_pass(), tamper=tamper):
                proxy.cuts += 1
            writer.transport.abort()
            onwards.transport.abort()
            up.cancel()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        proxy.cut_all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    limit: int | None,
    copy: bytearray | None = None,
    tamper: Callable[[bytes], bytes] = bytes,
) -> bool:
    """Whether the limit was reached."""
    left = limit
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while data := tamper(await reader.read(65536)):
            if copy is not None:
                copy += data
            writer.write(data if left is None else data[:left])
            await writer.drain()
            if left is not None:
                left -= len(data)
                if left <= 0:
                    return True
        writer.close()
    return False
