"""PROXY protocol v1 and v2 (HAProxy's proxy-protocol.txt): the client's address, as a listed load balancer tells it.

aiosmtpd's own support reads the header inside TLS on an implicit-TLS port, where no balancer writes it; its parser is
sound. Here it reads from the bare socket, octet for octet, so that not one octet of what follows is taken from TLS.
"""

from __future__ import annotations

import asyncio
import socket

from aiosmtpd.proxy_protocol import AF, PROTO, V2_CMD, ProxyData, get_proxy

_LONGEST = 4096
"""Octets of a header: 107 in version 1; version 2 with certificates' fields stays far below."""

_IP = (AF.INET, AF.INET6)


class NoProxyHeader(Exception):
    """What came is no header of the PROXY protocol; the text is fit for a journal."""


async def client_behind(connection: socket.socket) -> str | None:
    """The address of the client whom the proxy speaks for; ``None`` when the proxy speaks for itself (a health check).

    Takes exactly the header from a non-blocking socket. Raises ``NoProxyHeader``, and ``OSError`` when the connection
    breaks; waits for ever, so that the caller sets the limit.
    """
    try:
        told = await get_proxy(_Exactly(connection))
    except asyncio.IncompleteReadError as error:
        raise NoProxyHeader("connection ended within the header") from error
    if not told.valid:
        raise NoProxyHeader("malformed header")
    return _address(told)


def _address(told: ProxyData) -> str | None:
    if (told.version == 2 and told.command == V2_CMD.LOCAL) or told.family == AF.UNSPEC:
        return None
    if told.family not in _IP or told.protocol != PROTO.STREAM or told.src_addr is None:
        raise NoProxyHeader("header without an address of TCP")
    return str(told.src_addr)


class _Exactly:
    """What aiosmtpd's parser reads from."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = _LONGEST

    async def read(self, n: int = 1) -> bytes:
        """At most ``n`` octets; none at the end of the connection."""
        if n > self._left:
            raise NoProxyHeader("header too long")
        octets = await asyncio.get_running_loop().sock_recv(self._connection, n)
        self._left -= len(octets)
        return octets

    async def readexactly(self, n: int) -> bytes:
        """``n`` octets."""
        octets = b""
        while len(octets) < n:
            more = await self.read(n - len(octets))
            if not more:
                raise asyncio.IncompleteReadError(octets, n)
            octets += more
        return octets

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """One octet at a time: what stands behind is not ours to take."""
        line = b""
        while not line.endswith(separator):
            line += await self.readexactly(1)
        return line
