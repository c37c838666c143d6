"""A next hop that takes everything and keeps nothing: ESMTP with STARTTLS, as cheap as asyncio lets it be.

``python -m tests.bench.sink CERT KEY COUNT`` prints its port; how many letters it took stands in the file COUNT.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path


class Sink(asyncio.Protocol):
    """One connection."""

    count = 0

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context, self._buffer, self._data = context, b"", False
        self._transport: asyncio.Transport | None = None
        self._secure = self._upgrading = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        if not self._secure:
            self._say(b"220 sink.test ESMTP")

    def data_received(self, data: bytes) -> None:
        if self._upgrading:  # the first EHLO inside TLS may come before start_tls has given us the transport
            self._buffer += data
            return
        if self._data:
            self._content(data)
            return
        self._buffer += data
        while not self._data and b"\r\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\r\n", 1)
            self._command(line.upper())
        if self._data and self._buffer:
            rest, self._buffer = self._buffer, b""
            self._content(rest)

    def _content(self, data: bytes) -> None:
        tail = self._buffer[-4:] + data
        end = tail.find(b"\r\n.\r\n")
        if end < 0:
            self._buffer = tail[-4:]
            return
        self._buffer, self._data = b"", False
        Sink.count += 1
        self._say(b"250 2.0.0 Ok")
        if tail[end + 5 :]:  # Postfix sends its next command right behind the dot
            self.data_received(tail[end + 5 :])

    def _command(self, line: bytes) -> None:
        if line.startswith(b"EHLO"):
            self._say(
                b"250-sink.test\r\n250-PIPELINING\r\n250-SIZE 99999999\r\n250-8BITMIME\r\n250-DSN\r\n250 STARTTLS"
            )
        elif line == b"STARTTLS":
            self._say(b"220 go ahead")
            self._upgrading = True
            asyncio.get_running_loop().create_task(self._upgrade())
        elif line == b"DATA":
            self._data = True
            self._say(b"354 go ahead")
        elif line == b"QUIT":
            self._say(b"221 bye")
            if self._transport:
                self._transport.close()
        else:
            self._say(b"250 2.1.0 Ok")

    async def _upgrade(self) -> None:
        assert self._transport is not None
        self._secure = True
        self._transport = await asyncio.get_running_loop().start_tls(  # type: ignore[assignment]
            self._transport, self, self._context, server_side=True
        )
        self._upgrading = False
        self.data_received(b"")

    def _say(self, line: bytes) -> None:
        if self._transport:
            self._transport.write(line + b"\r\n")


async def main(certificate: str, key: str, count: str) -> None:
    """Serve until killed; the count stands in the file ``count``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.get_running_loop().create_server(lambda: Sink(context), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    path = Path(count)
    while True:
        await asyncio.sleep(0.02)
        path.write_text(str(Sink.count))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
