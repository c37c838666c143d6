"""E2: whatever was said in clear is forgotten, dropped or ends the connection; nothing of it is done inside TLS."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.smtp.smtp_door_kit import LETTER, client_tls, smtp_door

LOG_IN = "AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl"
INJECTED = b"EHLO evil\r\n" + LOG_IN.encode() + b"\r\nMAIL FROM:<secretariat@ch-exemple.test>\r\n"


@pytest.mark.parametrize("behind", [INJECTED, b"NOOP\r\n", b"N", b"\r\n", b"\0"])
async def test_e2_what_stands_in_the_packet_of_starttls_ends_the_connection(behind: bytes):
    async with smtp_door() as door, door.client("starttls") as client:
        await client.send(b"STARTTLS\r\n" + behind)
        assert await client.reply() == "501 5.5.1 No command may follow STARTTLS"
        assert await client.closed()
        assert door.intake.kept == []


async def test_e2_what_comes_in_clear_before_the_handshake_is_no_command():
    async with smtp_door() as door, door.client("starttls") as client:
        assert (await client.ask("STARTTLS")).startswith("220 ")
        await client.send(INJECTED)
        async with asyncio.timeout(30):
            answer = await client.reader.read()
        assert b"235" not in answer
        assert b"250" not in answer


async def test_e2_who_one_was_in_clear_is_forgotten_inside_tls():
    async with smtp_door() as door, door.client("starttls") as client:
        await client.starttls(client_tls())
        assert (await client.ask("MAIL FROM:<secretariat@ch-exemple.test>"))[:9] in {"503 5.5.1", "530 5.7.0"}
        assert (await client.ask(LOG_IN)).startswith("503 5.5.1 Send EHLO first")


async def test_e2_control_the_same_commands_inside_tls_hand_a_letter_in():
    async with smtp_door() as door, door.client("starttls") as client:
        await client.starttls(client_tls())
        await client.ask("EHLO a")
        assert (await client.ask(LOG_IN)).startswith("235 ")
        assert (await client.letter(LETTER)).startswith("250 ")
