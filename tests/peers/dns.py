"""A little DNS server on loopback, UDP and TCP on one port, with dnspython's own messages: it says what a test told it.

It knows MX records under plain names and any type under ``name/TYPE``, answers NXDOMAIN for what it does not know, and
can be told to fail, to cut, to stay silent, or to say of all answers but some that they were validated (AD).
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.peers.running import LOOPBACK, free_port


@dataclass(slots=True, kw_only=True)
class DnsServer:
    """A running server; ``asked`` holds every question as ``name/type/transport``."""

    port: int
    records: Mapping[str, tuple[str, ...]]
    asked: list[str] = field(default_factory=list)
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    is_silent: bool = False
    cuts: bool = False
    validates: bool = False
    unsigned: set[str] = field(default_factory=set)
    """Names whose answers bear no AD bit although the server validates."""
    bogus: set[str] = field(default_factory=set)
    """Names whose answers do not validate: SERVFAIL (RFC 4035 §5.5)."""
    host: str = LOOPBACK

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(f"{name}/{dns.rdatatype.to_text(question.rdtype)}/{transport}")
        if self.is_silent:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if self.validates and query.flags & dns.flags.AD and name not in self.unsigned:
            response.flags |= dns.flags.AD
        if self.rcode or name in self.bogus:
            response.set_rcode(self.rcode or dns.rcode.SERVFAIL)
        elif not self._knows(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif self.cuts and transport == "udp":
            response.flags |= dns.flags.TC
        elif found := self._found(name, dns.rdatatype.to_text(question.rdtype)):
            kind = dns.rdatatype.to_text(question.rdtype)
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        return response.to_wire()

    def _knows(self, name: str) -> bool:
        return name in self.records or any(known.startswith(f"{name}/") for known in self.records)

    def _found(self, name: str, kind: str) -> tuple[str, ...]:
        return self.records.get(f"{name}/{kind}", self.records.get(name, ()) if kind == "MX" else ())


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data, "udp")
        if answer and self._transport:
            self._transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def running_dns(records: Mapping[str, tuple[str, ...]]) -> AsyncIterator[DnsServer]:
    """``records``: domain to its MX as ``10 mx.test.``, ``mx.test/A`` to addresses; it exists with none, too."""
    server = DnsServer(port=free_port(), records=records)

    async def streamed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        answer = server.answer(await reader.readexactly(size), "tcp")
        if answer:
            writer.write(struct.pack("!H", len(answer)) + answer)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), local_addr=(LOOPBACK, server.port))
    try:
        async with await asyncio.start_server(streamed, LOOPBACK, server.port):
            yield server
    finally:
        transport.close()
