"""Plays every conversation of tests/dialogues/smtp against a real door."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.unit.smtp.smtp_door_kit import Client, OpenDoor, client_tls, smtp_door

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "dialogues" / "smtp").glob("*.txt"))


def steps_of(script: Path) -> list[str]:
    return [line for line in script.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]


async def play(steps: list[str], door: OpenDoor) -> None:
    listener = steps[0].removeprefix("@ ")
    tls = {"ssl": client_tls(), "server_hostname": "localhost"} if listener == "tls" else {}
    client = await door.connect(listener, **tls)
    try:
        for step in steps[1:]:
            await take(step, client, door)
    finally:
        await client.close()


async def take(step: str, client: Client, door: OpenDoor) -> None:
    kind, text = step[:2], step[3:]
    if step == "TLS":
        await client.writer.start_tls(client_tls(), server_hostname="localhost")
    elif step == "CLOSED":
        assert await client.closed()
    elif step.startswith("KEPT "):
        assert len(door.intake.kept) == int(step[5:])
    elif kind == "C:":
        await client.send(text.encode() + b"\r\n")
    elif kind == "C>":
        await client.send(text.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    else:
        assert kind == "S:", step
        line = (await client.reader.readline()).decode().rstrip("\r\n")
        assert fnmatchcase(line, text), f"{step!r} but heard {line!r}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
async def test_the_dialogue_goes_as_written(script):
    async with smtp_door() as door:
        await play(steps_of(script), door)


async def test_a_dialogue_that_does_not_go_as_written_fails():
    async with smtp_door() as door:
        with pytest.raises(AssertionError, match="but heard '220"):
            await play(["@ clear", "S: 421 *"], door)
