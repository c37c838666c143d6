"""Whoever reaches the operators' port holds a place for seconds, not for as long as he talks."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from gateway.smtp.server.greeting import Greeting
from tests.unit.service.operators_kit import Scene, gp_operator, make_scene
from tests.unit.smtp.smtp_door_kit import LETTER, QUICK, smtp_door
from tests.unit.smtp.smtp_door_kit import Client as Speaker


def impatient(folder: Path, seconds: float) -> Scene:
    scene = make_scene(folder)
    scene.list()
    scene.limits = {"to_prove": timedelta(seconds=seconds), "max_junk": 10**9}
    return scene


async def test_talking_in_clear_does_not_keep_the_place(tmp_path: Path):
    scene = impatient(tmp_path, 0.3)
    async with scene.opened():
        client = Speaker(*await asyncio.open_connection("127.0.0.1", scene.port))
        said = await client.reply()
        while said[:1] == "2":
            await asyncio.sleep(0.02)
            said = await client.ask("NOOP")
        assert said == "421 4.4.2 No certificate in time"
        await client.close()


async def test_nor_does_a_handshake_that_is_never_finished(tmp_path: Path):
    scene = impatient(tmp_path, 0.5)
    async with scene.opened():
        with capture_logs() as said:
            reader, writer = await asyncio.open_connection("127.0.0.1", scene.port)
            writer.write(b"EHLO mss.test\r\n")
            with contextlib.suppress(asyncio.IncompleteReadError):  # on a machine that stood still for so long
                await reader.readuntil(b"250 DSN\r\n")
            writer.write(b"STARTTLS\r\n")
            await reader.read()
            writer.close()
        assert "smtp_no_certificate_in_time" in {line["event"] for line in said}


async def test_control_who_has_shown_it_is_not_cut_and_the_hospitals_own_doors_know_no_such_haste(
    tmp_path: Path, monkeypatch
):
    running: list[Greeting] = []
    expect = Greeting._expect_proof

    def seen(session: Greeting) -> None:
        expect(session)
        running.append(session)

    monkeypatch.setattr(Greeting, "_expect_proof", seen)
    scene = impatient(tmp_path, 60)
    async with scene.opened():
        client = Speaker(*await asyncio.open_connection("127.0.0.1", scene.port))
        await client.reply()
        assert running[-1]._unproved is not None
        await client.ask("EHLO mss.test")
        await client.starttls(scene.space.client_tls(gp_operator(scene)))
        await client.ask("EHLO mss.test")
        assert running[-1]._unproved is None
        await client.close()
    async with smtp_door(limits=replace(QUICK, to_prove=timedelta(0))) as door, door.client() as client:
        assert (await client.letter(LETTER)).startswith("250 ")
