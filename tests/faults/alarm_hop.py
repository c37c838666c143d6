"""A next hop that misbehaves as it is told, from one moment to the next; implicit TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

from tests.peers.authority import Authority


class Moody:
    """``mood``: take; later (451 at MAIL); deaf (no answer to MAIL); cut (gone behind the dot); slow (dot: waits)."""

    def __init__(self) -> None:
        self.mood = "take"
        self.port = 0
        self.at_dot = asyncio.Event()
        self.go_on = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.write(b"220 hop.test ESMTP\r\n")
            while line := await reader.readline():
                if not await self._answer(line[:4].upper(), reader, writer):
                    break
        writer.close()

    async def _answer(self, verb: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if verb == b"EHLO":
            writer.write(b"250-hop.test\r\n250 SIZE 99999999\r\n")
        elif verb == b"MAIL" and self.mood == "later":
            writer.write(b"451 4.3.2 later\r\n")
        elif verb == b"MAIL" and self.mood == "deaf":
            while self.mood == "deaf":  # noqa: ASYNC110 (told from elsewhere)
                await asyncio.sleep(0.05)
            return False
        elif verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            return await self._dot(writer)
        else:
            writer.write(b"250 2.0.0 Ok\r\n")
        return True

    async def _dot(self, writer: asyncio.StreamWriter) -> bool:
        if self.mood == "cut":
            return False
        if self.mood == "slow":
            self.at_dot.set()
            await self.go_on.wait()
        writer.write(b"250 2.0.0 Ok\r\n")
        return True


@contextlib.asynccontextmanager
async def moody_hop(authority: Authority) -> AsyncIterator[Moody]:
    """The hop on a port of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    hop = Moody()
    server = await asyncio.start_server(hop.serve, "127.0.0.1", 0, ssl=context, limit=2**26)
    hop.port = server.sockets[0].getsockname()[1]
    try:
        yield hop
    finally:
        server.close()
