"""The MLLP door with clients that are slow, greedy, deaf or gone, and with faults that are ours."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.errors import KeyStoreRefused, SettingsRefused
from gateway.ingest.mllp import MllpLimits
from gateway.ingest.mllp.framing import ALWAYS, Framing, Room
from tests.unit.ingest.ingest_door_kit import SECRET, FakeIntake, mdm
from tests.unit.ingest.test_mllp_door import AUTHORITY, END, VT, mllp, peer

QUIET = {"drain": timedelta(seconds=2)}


async def until(true) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("fault", [KeyStoreRefused(SECRET), SettingsRefused(SECRET)])
async def test_a4_a_fault_of_ours_is_never_ae_however_permanent(fault):
    intake = FakeIntake(fault=fault)
    async with mllp(intake) as (door, _), peer(door) as dpi:
        answer = await dpi.ask(mdm())
        assert answer[1] == "MSA|AR|DOC000123"
        assert "|4.3.0^" in answer[2]
        assert "Internal fault, send again later (reference " in answer[2]
        assert "DUPONT" not in "".join(answer)


async def test_the_reference_of_an_ar_is_found_in_the_journal():
    async with mllp(FakeIntake(fault=KeyError(SECRET))) as (door, _), peer(door) as dpi:
        with capture_logs() as logs:
            answer = await dpi.ask(mdm())
    reference = answer[2].rpartition("(reference ")[2].rstrip(")")
    assert any(entry.get("letter_id", "").endswith(reference) for entry in logs)


async def test_a7_a_client_that_is_gone_before_the_answer_gets_the_same_answer_when_it_comes_again():
    intake = FakeIntake(gate=asyncio.Event())
    async with mllp(intake) as (door, _):
        async with peer(door) as gone:
            await gone.send(VT + mdm() + END)
            await intake.arrived.wait()
            gone.writer.transport.abort()
        intake.gate.set()
        await until(lambda: intake.answers)
        async with peer(door) as dpi:
            answer = await dpi.ask(mdm())
        assert answer[1] == "MSA|AA|DOC000123"
        assert "\r".join(answer).encode() in next(iter(intake.answers.values()))
        assert len(intake.kept) == 1


async def test_a7_a_message_cut_at_every_byte_is_taken_whole_or_not_at_all():
    whole = VT + mdm() + END
    async with mllp() as (door, intake):
        for cut in range(len(whole)):
            async with peer(door) as dpi:
                await dpi.send(whole[:cut])
        await until(lambda: door.connections == 0)
        assert intake.asked == 0
        async with peer(door) as dpi:  # the control: with its last byte it is whole
            await dpi.send(whole)
        await until(lambda: intake.kept)


async def test_a_client_that_never_takes_its_answers_is_cut_off():
    limits = MllpLimits(listening=timedelta(milliseconds=200), **QUIET)
    async with mllp(limits=limits) as (door, _), peer(door) as deaf:
        deaf.reader._transport.pause_reading()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(30):
                while door.connections:
                    await deaf.send((VT + mdm() + END) * 50)
        await until(lambda: door.connections == 0)


async def test_when_all_places_are_taken_the_longest_idle_connection_makes_room():
    limits = MllpLimits(max_connections=2, evict=timedelta(milliseconds=50), **QUIET)
    async with mllp(limits=limits) as (door, _), peer(door) as oldest, peer(door) as half:
        await oldest.ask(mdm("OLD"))
        await half.send(VT + mdm()[:20])
        await asyncio.sleep(0.1)
        async with peer(door) as newcomer:
            assert (await newcomer.ask(mdm("NEW")))[1] == "MSA|AA|NEW"
            assert await oldest.closed()
            await half.send(mdm("HALF")[20:] + END)
            assert (await half.answer())[1].startswith("MSA|AA|")


async def test_control_connections_that_were_used_just_now_are_not_ended_for_a_newcomer():
    limits = MllpLimits(max_connections=1, evict=timedelta(seconds=60), **QUIET)
    async with mllp(limits=limits) as (door, _), peer(door) as dpi:
        await dpi.ask(mdm())
        async with peer(door) as newcomer:
            assert await newcomer.closed()
        assert (await dpi.ask(mdm("AGAIN")))[1] == "MSA|AA|AGAIN"


async def test_large_blocks_for_which_there_is_no_room_are_ar_and_small_ones_are_taken():
    large = mdm("BIG") + b"NTE|1||" + b"x" * (400 << 10) + b"\r"
    limits = MllpLimits(room=256 << 10, **QUIET)
    async with mllp(limits=limits) as (door, intake), peer(door) as dpi, peer(door) as other:
        answer = await dpi.ask(large)
        assert answer[1] == "MSA|AR|BIG"
        assert "|4.3.2^" in answer[2]
        assert intake.asked == 0
        assert (await other.ask(mdm("SMALL")))[1] == "MSA|AA|SMALL"
        assert door._room.used == 0


async def test_room_is_given_back_when_a_connection_breaks_in_the_middle_of_a_block():
    async with mllp() as (door, _):
        async with peer(door) as dpi:
            await dpi.send(VT + mdm() + b"x" * 300_000)
            await until(lambda: door._room.used > 200_000)
        await until(lambda: door._room.used == 0)
        async with peer(door) as dpi:
            await dpi.ask(mdm("AFTER"))
        await until(lambda: door._room.used == 0)


def test_the_octets_in_memory_never_exceed_the_room_and_what_is_always_taken():
    room = Room(limit=1 << 20)
    framings = [Framing(10 << 20, room) for _ in range(20)]
    for framing in framings:
        framing.feed(VT + b"MSH|^~\\&|")
    for _ in range(10):
        for framing in framings:
            assert framing.feed(b"x" * 32_768) == []
        assert room.used <= (1 << 20) + len(framings) * ALWAYS
    found = [frame for framing in framings for frame in framing.feed(END)]
    assert len(found) == 20
    assert all(frame.content.startswith(b"MSH|^~\\&|") for frame in found)
    assert {frame.crowded for frame in found} == {True, False}
    for framing, frame in zip(framings, found, strict=True):
        framing.give_back(frame)
        framing.end()
    assert room.used == 0


RESULT = mdm("R1").replace(b"|DPI|CH-EXEMPLE|", b"|SGL|LABO|")


@pytest.mark.parametrize("listener", ["clear", "tls"])
async def test_e4_who_shows_no_certificate_is_not_taken_for_a_source_that_has_one(listener):
    async with mllp() as (door, intake), peer(door, listener) as stranger:
        answer = await stranger.ask(RESULT)
        assert answer[1] == "MSA|AE|R1"
        assert answer[2].split("|")[5].startswith("unknown-certificate^")
        assert intake.asked == 0


async def test_e4_control_with_its_certificate_it_is_taken_and_another_valid_one_is_not():
    async with mllp() as (door, intake):
        async with peer(door, "mutual", AUTHORITY.issue_cert("labo.test")) as labo:
            assert (await labo.ask(RESULT))[1] == "MSA|AA|R1"
        async with peer(door, "mutual", AUTHORITY.issue_cert("imagerie.test")) as other:
            assert (await other.ask(RESULT))[1] == "MSA|AE|R1"
        assert [letter.source for letter in intake.kept] == ["labo"]
