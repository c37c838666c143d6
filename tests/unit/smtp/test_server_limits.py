"""Connections, memory and load: one client may not take the door from the others."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from datetime import timedelta

from gateway.smtp.server.gate import Gate
from gateway.smtp.server.settings import SmtpLimits
from tests.peers.quiet_time import in_quiet_time
from tests.unit.smtp.smtp_door_kit import LETTER, QUICK, smtp_door

TOO_MANY = "421 4.3.2 Too many connections, try again later"


async def test_connections_from_one_address_are_limited_and_come_back():
    async with smtp_door(limits=replace(QUICK, max_connections_per_address=2)) as door, door.client():
        async with door.client():
            third = await door.connect()
            assert await third.reply() == TOO_MANY
            assert await third.closed()
            await third.close()
        async with asyncio.timeout(30):
            while door.doors.connections > 1:  # noqa: ASYNC110  a plain counter
                await asyncio.sleep(0.005)
        async with door.client() as again:
            assert (await again.letter()).startswith("250")


def test_the_gate_counts_all_connections_and_those_of_a_minute():
    now = [0.0]
    gate = Gate(SmtpLimits(max_connections=3, max_connections_per_minute=4), lambda: now[0])
    assert [gate.admit(network) for network in ("a", "b", "c", "d")] == [True, True, True, False]
    for network in ("a", "b", "c"):
        gate.leave(network)
    assert gate.connections == 0
    assert [gate.admit("a") for _ in range(5)] == [True, True, True, False, False]
    now[0] = 61.0
    gate.leave("a")
    assert gate.admit("a")


async def test_content_in_memory_is_limited_over_all_connections():
    limits = replace(QUICK, max_in_memory=100_000)
    async with smtp_door(limits=limits) as door, door.client() as one, door.client() as other:
        await one.begin()
        await one.ask("DATA")
        await one.send(LETTER + b"x\r\n" * 25_000)
        async with asyncio.timeout(30):
            while door.doors._door.in_memory < 70_000:  # noqa: ASYNC110  a plain counter
                await asyncio.sleep(0.005)
        assert await other.letter(LETTER + b"y\r\n" * 20_000) == "451 4.3.2 Busy, try again later"
        await one.send(b".\r\n")
        assert (await one.reply()).startswith("250")
        assert door.doors._door.in_memory == 0
        assert (await other.letter(LETTER + b"y\r\n" * 20_000)).startswith("250")


async def test_memory_is_flat_while_a_letter_over_the_limit_is_drained():
    limits = replace(QUICK, max_size=1 << 20)
    async with smtp_door(limits=limits) as door, door.client() as client:
        await client.begin()
        await client.ask("DATA")
        tracemalloc.start()
        for _ in range(48):
            await client.send(b"x" * 65534 + b"\r\n")
        await client.send(b".\r\n")
        assert (await client.reply()).startswith("552 5.3.4")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5 << 20
        assert (await client.letter()).startswith("250")


async def test_a_letter_of_twenty_megabytes_arrives_as_sent():
    content = LETTER + (b"." + b"0123456789" * 7 + b"\r\n") * 280_000
    async with smtp_door() as door, door.client() as client:
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        assert (await client.letter(stuffed)).startswith("250")
        assert door.intake.kept[0].content == content


async def test_fifty_clients_at_once_each_hand_in_ten_letters():
    async with smtp_door() as door:

        async def one(number: int) -> None:
            async with door.client() as client:
                for letter in range(10):
                    content = LETTER.replace(b"Bonjour", b"%d %d" % (number, letter)) + b"x" * 70 + b"\r\n"
                    assert (await client.letter(content)).startswith("250")

        await asyncio.gather(*(one(number) for number in range(50)))
        assert len({letter.content for letter in door.intake.kept}) == 500
        assert len({letter.id for letter in door.intake.kept}) == 500


def test_drippers_do_not_slow_a_good_client():
    async def work():
        async with smtp_door() as door:
            drippers = [await door.connect() for _ in range(90)]
            for dripper in drippers:
                await dripper.reply()
                await dripper.send(b"E")
            async with door.client() as client:
                assert (await client.letter()).startswith("250")
            assert {await dripper.reply() for dripper in drippers} == {"421 4.4.2 Too slow"}
            for dripper in drippers:
                await dripper.close()

    in_quiet_time(work)


async def test_a_client_that_never_reads_is_cut_off():
    limits = replace(QUICK, idle=timedelta(milliseconds=200))
    async with smtp_door(limits=limits) as door:
        client = await door.connect()
        client.reader._limit = 16
        client.writer.transport.pause_reading()
        for _ in range(40):
            client.writer.write(b"NOOP\r\n" * 10_000)
        async with asyncio.timeout(30):
            await asyncio.sleep(0)
            await door.doors._door.empty.wait()
        client.writer.transport.abort()
