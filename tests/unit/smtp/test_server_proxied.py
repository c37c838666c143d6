"""The PROXY protocol: whom a listed load balancer speaks for, before any TLS, and nobody else's word."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from structlog.testing import capture_logs

from gateway.errors import SettingsRefused
from gateway.smtp.server import SmtpDoorSettings, SmtpLimits, SmtpListener
from tests.unit.smtp.smtp_door_kit import DPI, QUICK, Client, OpenDoor, client_tls, server_tls, smtp_door

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LOCAL = (ip_network("127.0.0.1"),)
PLAIN = "AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl"


def v1(client: str) -> bytes:
    six = ":" in client
    server = "2001:db8::1" if six else "192.0.2.1"
    return f"PROXY TCP{'6' if six else '4'} {client} {server} 51000 465\r\n".encode()


def v2(client: str, *, more: bytes = b"", command: int = 1) -> bytes:
    source = ip_address(client).packed
    family = 0x21 if len(source) == 16 else 0x11
    body = source + source + struct.pack("!HH", 51000, 465) + more
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


@contextlib.asynccontextmanager
async def behind_a_proxy(*, proxies: tuple[object, ...] = LOCAL, limits: SmtpLimits = QUICK) -> AsyncIterator[OpenDoor]:
    tls = server_tls()
    listeners = (
        SmtpListener(name="starttls", host="127.0.0.1", tls=tls, proxies=proxies),
        SmtpListener(name="tls", host="127.0.0.1", tls=tls, implicit_tls=True, proxies=proxies),
    )
    async with smtp_door(listeners=listeners, limits=limits) as door:
        yield door


async def through(door: OpenDoor, header: bytes, listener: str = "starttls") -> Client:
    """A client behind a balancer that wrote ``header``; on the TLS port the handshake comes after it, in clear."""
    raw = socket.create_connection(("127.0.0.1", door.doors.ports[listener]))
    raw.sendall(header)
    tls = {"ssl": client_tls(), "server_hostname": "localhost"} if listener == "tls" else {}
    return Client(*await asyncio.open_connection(sock=raw, **tls))


def networks(door: OpenDoor) -> set[str]:
    return {session.network for session in door.doors._door.sessions}


@pytest.mark.parametrize("listener", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("header", "network"),
    [
        (v1("203.0.113.9"), "203.0.113.9"),
        (v1("2001:db8:1:2:3::4"), "2001:db8:1:2::/64"),
        (v2("203.0.113.9"), "203.0.113.9"),
        (v2("2001:db8:1:2:3::4"), "2001:db8:1:2::/64"),
        (v2("203.0.113.9", more=b"\x04\x00\x03abc"), "203.0.113.9"),
        (v2("::ffff:203.0.113.9"), "203.0.113.9"),
        (v2("203.0.113.9", command=0), "127.0.0.1"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    ],
)
async def test_the_client_is_whom_the_proxy_names_before_tls(listener: str, header: bytes, network: str):
    async with behind_a_proxy() as door:
        client = await through(door, header, listener)
        assert (await client.reply()).startswith("220 ")
        assert networks(door) == {network}
        await client.ask("EHLO a")
        if listener == "tls":
            assert (await client.ask(PLAIN)).startswith("235")
            assert (await client.letter()).startswith("250 ")
        await client.close()


async def test_what_stands_behind_the_header_in_one_packet_is_the_clients():
    async with behind_a_proxy() as door:
        client = await through(door, v2("203.0.113.9") + b"EHLO a\r\n")
        assert (await client.reply()).startswith("220 ")
        assert (await client.reply()).startswith("250-")
        await client.close()


async def test_the_gate_counts_the_clients_and_not_the_proxy():
    limits = replace(QUICK, max_connections_per_address=1)
    async with behind_a_proxy(limits=limits) as door:
        one, other = [await through(door, v1(address)) for address in ("203.0.113.1", "203.0.113.2")]
        again = await through(door, v1("203.0.113.1"))
        assert (await one.reply()).startswith("220 ")
        assert (await other.reply()).startswith("220 ")
        assert (await again.reply()).startswith("421 4.3.2 Too many connections")
        for client in (one, other, again):
            await client.close()


@pytest.mark.parametrize("listener", ["starttls", "tls"])
@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.test\r\n",
        b"PROXY TCP4 203.0.113.9\r\n",
        b"PROXY TCP4 203.0.113.999 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\n" + b"x" * 100,
        b"PROXY " + b"x" * 10_000,
        SIGNATURE + b"\x31\x11\x00\x0c" + b"x" * 12,
        SIGNATURE + b"\x21\x11\x00\x04" + b"x" * 4,
        SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 12,
        SIGNATURE + b"\x21\x31\x00\xd8" + b"x" * 216,  # a Unix socket
        SIGNATURE + b"\x21\x12\x00\x0c" + b"x" * 12,  # UDP
    ],
)
async def test_a_header_that_is_none_ends_the_connection_unanswered_and_is_journaled(listener: str, header: bytes):
    async with behind_a_proxy() as door:
        with capture_logs() as said:
            raw = socket.create_connection(("127.0.0.1", door.doors.ports[listener]))
            raw.sendall(header)
            client = Client(*await asyncio.open_connection(sock=raw))
            assert await client.closed()
            await client.close()
        assert [line["event"] for line in said] == ["smtp_proxy_refused"]
        assert "203.0" not in str(said)
        assert door.doors.connections == 0


async def test_a_header_that_does_not_come_is_waited_for_a_while():
    async with behind_a_proxy(limits=replace(QUICK, proxy_header=timedelta(milliseconds=100))) as door:
        with capture_logs() as said:
            client = await through(door, b"PROXY TCP4 203")
            assert await client.closed()
            await client.close()
        assert [line["reason"] for line in said] == ["TimeoutError"]


async def test_who_is_no_listed_proxy_is_let_go_whatever_he_says():
    async with behind_a_proxy(proxies=(ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))) as door:
        with capture_logs() as said:
            client = await through(door, v1("203.0.113.9"))
            assert await client.closed()
            await client.close()
        assert [line["reason"] for line in said] == ["not a listed proxy"]


@pytest.mark.parametrize("header", [v1("203.0.113.9"), v2("203.0.113.9")])
async def test_a_listener_without_proxies_takes_a_header_for_junk(header: bytes):
    async with smtp_door() as door, door.client("starttls", ehlo=False) as client:
        await client.send(header)
        assert networks(door) == {"127.0.0.1"}
        assert await client.reply() == "500 5.5.1 This is an SMTP port"
        assert await client.closed()
    async with smtp_door() as door:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await through(door, header, "tls")


async def test_trap_aiosmtpd_takes_a_proxy_header_inside_tls_and_ours_stands_before_it():
    async with behind_a_proxy() as door:
        client = await through(door, v1("203.0.113.9"), "tls")
        await client.reply()
        assert networks(door) == {"203.0.113.9"}
        assert await client.ask(v1("203.0.113.10").rstrip()) == "500 5.5.1 This is an SMTP port"
        await client.close()


def test_a_source_without_proof_is_not_reached_through_a_proxy():
    listener = SmtpListener(name="clear", host="127.0.0.1", unsafe_source="dpi", proxies=LOCAL)
    with pytest.raises(SettingsRefused):
        SmtpDoorSettings(hostname="h", listeners=(listener,), sources=(DPI,))
