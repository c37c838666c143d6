"""A7, A8: what happens to a letter whose sender goes away between the dot and the answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.peers.quiet_time import in_quiet_time
from tests.unit.smtp.smtp_door_kit import LETTER, QUICK, FakeIntake, OpenDoor, client_tls, smtp_door


async def up_to_the_dot(door: OpenDoor, listener: str = "clear"):
    tls = {"ssl": client_tls(), "server_hostname": "localhost"} if listener == "tls" else {}
    client = await door.connect(listener, **tls)
    await client.reply()
    await client.ask("EHLO a")
    if listener == "tls":
        await client.ask("AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl")
    await client.begin()
    await client.ask("DATA")
    await client.send(LETTER + b".\r\n")
    await door.intake.arrived.wait()
    return client


async def gone(door: OpenDoor) -> None:
    async with asyncio.timeout(30):
        while not all(session.client_gone for session in door.doors._door.sessions):  # noqa: ASYNC110  a plain flag
            await asyncio.sleep(0.005)


async def all_settled(door: OpenDoor) -> None:
    async with asyncio.timeout(30):
        await asyncio.gather(*door.doors._door.commits, return_exceptions=True)


@pytest.mark.parametrize("listener", ["clear", "tls"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a7_a_letter_whose_sender_is_gone_before_the_answer_is_withdrawn(listener, how):
    intake = FakeIntake(gate=asyncio.Event())
    async with smtp_door(intake=intake) as door:
        client = await up_to_the_dot(door, listener)
        client.writer.transport.abort() if how == "reset" else client.writer.close()
        await gone(door)
        assert intake.kept == []  # the commit goes on by itself
        intake.gate.set()
        await all_settled(door)
        assert len(intake.withdrawn) == 1
        assert intake.kept == []


async def test_a7_a_half_closed_sender_hears_that_the_letter_was_not_taken():
    intake = FakeIntake(gate=asyncio.Event())
    async with smtp_door(intake=intake) as door:
        client = await up_to_the_dot(door)
        client.writer.write_eof()
        await gone(door)
        intake.gate.set()
        assert await client.reply() == "451 4.4.2 Connection half closed before the answer; send again"
        assert await client.closed()
        assert intake.kept == []
        await client.close()


def test_a7_a_letter_whose_sender_was_told_421_meanwhile_is_withdrawn():
    async def work():
        intake = FakeIntake(gate=asyncio.Event())
        async with smtp_door(intake=intake, limits=replace(QUICK, idle=timedelta(seconds=40))) as door:
            client = await up_to_the_dot(door)
            assert await client.reply() == "421 4.3.0 Storage took too long, try again later"
            intake.gate.set()
            await all_settled(door)
            assert (intake.kept, len(intake.withdrawn)) == ([], 1)
            await client.close()

    in_quiet_time(work)


async def test_a7_control_a_sender_who_stays_is_answered_and_nothing_is_withdrawn():
    intake = FakeIntake(gate=asyncio.Event())
    async with smtp_door(intake=intake) as door:
        client = await up_to_the_dot(door)
        intake.gate.set()
        assert (await client.reply()).startswith("250 2.0.0 Queued as ")
        await client.close()
        await all_settled(door)
        assert (len(intake.kept), intake.withdrawn) == (1, [])


async def test_a7_a_replay_whose_sender_is_gone_is_not_withdrawn():
    intake = FakeIntake()
    async with smtp_door(intake=intake) as door:
        async with door.client() as client:
            await client.letter()
        intake.gate = asyncio.Event()
        intake.arrived.clear()
        client = await up_to_the_dot(door)
        await client.close()
        await gone(door)
        intake.gate.set()
        await all_settled(door)
        assert (len(intake.kept), intake.withdrawn) == (1, [])


async def test_a7_a_commit_that_fails_after_the_sender_is_gone_disturbs_nobody():
    intake = FakeIntake(gate=asyncio.Event(), fault=KeyError("x"))
    async with smtp_door(intake=intake) as door:
        client = await up_to_the_dot(door)
        await client.close()
        await gone(door)
        intake.gate.set()
        await all_settled(door)
        intake.fault = None
        async with door.client() as other:
            assert (await other.letter()).startswith("250")


async def test_a8_a_retry_is_answered_with_the_first_id():
    async with smtp_door() as door:
        async with door.client() as client:
            first = await client.letter()
        async with door.client() as client:
            assert await client.letter() == first
            assert await client.letter(LETTER.replace(b"essai", b"autre")) != first
            assert await client.letter(LETTER, "b@gp.test") != first
        assert len(door.intake.kept) == 3


async def test_a8_control_without_a_memory_each_retry_is_a_new_letter():
    async with smtp_door(intake=FakeIntake(remembers=False)) as door, door.client() as client:
        assert await client.letter() != await client.letter()


async def test_f6_closing_lets_the_letter_under_way_finish_and_tells_the_others():
    intake = FakeIntake(gate=asyncio.Event())
    async with smtp_door(intake=intake) as door:
        busy = await up_to_the_dot(door)
        idle = await door.connect()
        await idle.reply()
        closing = asyncio.create_task(door.doors.close())
        assert await idle.reply() == "421 4.3.2 Closing, try again later"
        late = await door.connect()
        assert await late.reply() == "421 4.3.2 Closing"
        intake.gate.set()
        assert (await busy.reply()).startswith("250 2.0.0 Queued as ")
        assert await busy.reply() == "421 4.3.2 Closing"
        await closing
        assert len(intake.kept) == 1
        for client in (busy, idle, late):
            await client.close()


async def test_f6_whoever_does_not_finish_in_time_is_cut_off():
    async with smtp_door(limits=replace(QUICK, drain=timedelta(milliseconds=100))) as door, door.client() as client:
        await client.begin()
        await client.ask("DATA")
        await client.send(LETTER)
        await door.doors.close()
        assert await client.closed()
        assert door.intake.kept == []
