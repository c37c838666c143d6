"""Before there is a session: places at the gate, handshakes that fail, and a store that hangs when the door closes."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.smtp.server.addresses import network_of
from tests.unit.smtp.smtp_door_kit import (
    LETTER,
    QUICK,
    STRANGER_AUTHORITY,
    FakeIntake,
    OpenDoor,
    client_tls,
    smtp_door,
)

TLS = {"server_hostname": "localhost"}


async def nobody_left(door: OpenDoor) -> None:
    async with asyncio.timeout(30):
        while door.doors.connections:  # noqa: ASYNC110  a plain counter
            await asyncio.sleep(0.005)


async def test_who_does_not_finish_his_handshake_takes_a_place_and_gives_it_back():
    async with smtp_door(limits=replace(QUICK, max_connections_per_address=1)) as door:
        silent = await door.connect("tls")
        async with asyncio.timeout(30):
            while not door.doors.connections:  # noqa: ASYNC110  a plain counter
                await asyncio.sleep(0.005)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await door.connect("tls", ssl=client_tls(), **TLS)
        await silent.close()
        await nobody_left(door)
        async with door.client("tls", ssl=client_tls(), **TLS) as client:
            assert (await client.ask("NOOP")).startswith("250 ")


@pytest.mark.parametrize("listener", ["tls", "starttls"])
async def test_e4_why_a_handshake_failed_is_one_line_that_names_nobody(listener: str):
    certificate = STRANGER_AUTHORITY.issue_cert("dpi.ch-exemple.test")
    async with smtp_door() as door:
        with capture_logs() as lines:
            with contextlib.suppress(ssl.SSLError, ConnectionError, AssertionError):
                if listener == "tls":
                    client = await door.connect("tls", ssl=client_tls(certificate), **TLS)
                else:
                    client = await door.connect("starttls")
                    await client.reply()
                    await client.ask("EHLO a")
                    await client.starttls(client_tls(certificate))
                assert await client.ask("NOOP") == ""
            await nobody_left(door)
        (line,) = [line for line in lines if line["event"] == "smtp_handshake_failed"]
        assert (line["listener"], line["log_level"]) == (listener, "warning")
        assert line["reason"] in {
            "unable to get local issuer certificate",
            "self-signed certificate in certificate chain",
        }
        assert "exemple" not in str(lines)


async def test_connections_that_never_were_one_leave_nothing_behind():
    async with smtp_door() as door:
        for listener in ("tls", "starttls", "clear"):
            for octets in (b"", b"\x16", b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n"):
                with socket.create_connection(("127.0.0.1", door.doors.ports[listener])) as raw:
                    raw.sendall(octets)
        await nobody_left(door)
        async with asyncio.timeout(30):
            await door.doors._door.empty.wait()
        async with door.client() as client:
            assert (await client.letter()).startswith("250 ")


async def test_f6_a_store_that_hangs_does_not_keep_the_door_from_closing():
    intake = FakeIntake(gate=asyncio.Event())
    limits = replace(QUICK, drain=timedelta(milliseconds=50), settle=timedelta(milliseconds=50))
    async with smtp_door(intake=intake, limits=limits) as door:
        client = await door.connect()
        await client.reply()
        await client.ask("EHLO a")
        await client.begin()
        await client.ask("DATA")
        await client.send(LETTER + b".\r\n")
        await intake.arrived.wait()
        with capture_logs() as lines:
            async with asyncio.timeout(30):
                await door.doors.close()
        assert [line["unsettled"] for line in lines if line["event"] == "smtp_closed"] == [1]
        assert intake.kept == []
        intake.gate.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*door.doors._door.commits)
        assert len(intake.withdrawn) == 1  # nobody was told yes
        await client.close()


def test_an_ipv4_address_in_ipv6_clothes_is_that_address():
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"


async def test_a_full_door_leaves_descriptors_for_the_queue():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        async with smtp_door(limits=replace(QUICK, max_connections=300)):
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 1324
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
