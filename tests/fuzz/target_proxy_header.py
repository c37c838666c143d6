"""The PROXY protocol's header, versions 1 and 2: an address, or NoProxyHeader; what stands behind it is not touched."""

from __future__ import annotations

import asyncio
import socket

from gateway.smtp.server.addresses import network_of
from gateway.smtp.server.proxied import NoProxyHeader, client_behind

_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_BEHIND = b"EHLO a\r\n"
WORDS = (
    b"PROXY TCP4 ",
    b"PROXY TCP6 ",
    b"PROXY UNKNOWN",
    b"127.0.0.1 ",
    b"::1 ",
    b"65535",
    b"\r\n",
    _V2,
    b"\x21\x11\x00\x0c",
    b"\x20\x00",
)
_loop = asyncio.new_event_loop()


def seeds() -> list[bytes]:
    return [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 465\r\n" + _BEHIND,
        b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 465\r\n" + _BEHIND,
        b"PROXY UNKNOWN\r\n" + _BEHIND,
        _V2 + b"\x21\x11\x00\x0c" + bytes(range(12)) + _BEHIND,
        _V2 + b"\x21\x21\x00\x24" + bytes(range(36)) + _BEHIND,
        _V2 + b"\x20\x00\x00\x00" + _BEHIND,
        _V2 + b"\x21\x11\xff\xff" + b"x" * 8000,
    ]


def run(data: bytes) -> None:
    _loop.run_until_complete(_header(data))


async def _header(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for end in (ours, theirs):
            end.setblocking(False)
        theirs.send(data[:16384] or b"\0")
        theirs.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(5):
                client = await client_behind(ours)
        except NoProxyHeader as refusal:
            if not str(refusal).isprintable():
                raise AssertionError("a reason that cannot be told") from refusal
            return
        network_of(client or "127.0.0.1")
        if data[:16384].endswith(_BEHIND) and data.count(b"\n") == 2 and not ours.recv(65536).endswith(_BEHIND):
            raise AssertionError("what stands behind the header was taken")
