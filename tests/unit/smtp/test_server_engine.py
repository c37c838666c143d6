"""Contract tests: what the door touches of aiosmtpd's inside is still there and still means what we think."""

from __future__ import annotations

import asyncio
import inspect

import aiosmtpd.smtp
import pytest
from aiosmtpd.smtp import SMTP

from gateway.smtp.reply import STOCK_REPLIES
from gateway.smtp.server.session import SmtpSession
from tests.unit.smtp.smtp_door_kit import LETTER, OpenDoor, client_tls, smtp_door

SOURCE = inspect.getsource(aiosmtpd.smtp)


def session_of(door: OpenDoor) -> SmtpSession:
    (session,) = door.doors._door.sessions
    return session


@pytest.mark.parametrize("stock", STOCK_REPLIES)
def test_each_stock_reply_is_still_one_of_aiosmtpd(stock):
    templates = {
        "503 Error: send EHLO first": "503 Error: send {helo} first",
        "503 Error: send HELO first": "503 Error: send {helo} first",
        "501 Syntax: MAIL FROM: <address> [SP <mail-parameters>]": " [SP <mail-parameters>]",
        "501 Syntax: RCPT TO: <address> [SP <mail-parameters>]": " [SP <mail-parameters>]",
        "500 Error: command 'AUTH' not recognized": "500 Error: command 'AUTH' not recognized",
    }
    assert templates.get(stock, stock) in SOURCE


async def test_every_reply_after_the_greeting_has_an_enhanced_code():
    async with smtp_door() as door, door.client(ehlo=False) as client:
        await client.ask("HELO a")
        said = [
            "NOOP",
            "RSET",
            "VRFY",
            "HELP",
            "EXPN",
            "MAIL",
            "RCPT",
            "DATA",
            "AUTH PLAIN",
            "STARTTLS",
            "RSET a",
            "QUIT",
        ]
        for command in said:
            reply = await client.ask(command)
            assert reply[4:6] in {"2.", "4.", "5."}, (command, reply)


async def test_the_readers_buffer_holds_what_no_command_has_taken():
    async with smtp_door() as door, door.client() as client:
        session = session_of(door)
        assert isinstance(session._reader._buffer, bytearray)
        assert session._reader._buffer is session._stream_reader._buffer
        session.put_back(b"NOOP\r\n")
        assert session.unread == 6
        session.forget_input()
        assert session.unread == 0
        assert (await client.ask("NOOP")).startswith("250")


async def test_commands_behind_the_end_of_data_are_taken_from_the_buffer():
    async with smtp_door() as door, door.client() as client:
        await client.begin()
        await client.ask("DATA")
        await client.send(LETTER + b".\r\nNOOP\r\n")
        assert [(await client.reply())[:9] for _ in range(2)] == ["250 2.0.0", "250 2.0.0"]


async def test_implicit_tls_offers_auth_and_clear_never_does():
    async with smtp_door() as door:
        async with door.client("tls", ehlo=False, ssl=client_tls(), server_hostname="localhost") as client:
            assert "AUTH LOGIN PLAIN" in await client.ask("EHLO a")
            assert session_of(door).encrypted
        async with door.client("starttls", ehlo=False) as client:
            assert "AUTH" not in await client.ask("EHLO a")
            assert not session_of(door).encrypted
        async with door.client(ehlo=False) as client:
            assert "AUTH" not in await client.ask("EHLO a")


async def test_stock_aiosmtpd_still_needs_that_wrapper_for_implicit_tls():
    assert "self._auth_require_tls and not self._tls_protocol" in SOURCE


async def test_command_limits_are_our_own_and_do_not_grow():
    async with smtp_door() as door, door.client() as client:
        before = dict(session_of(door).command_size_limits)
        for _ in range(20):
            await client.ask("EHLO a")
        assert dict(session_of(door).command_size_limits) == before
        assert session_of(door).command_size_limits is not SMTP.command_size_limits


async def test_the_verbs_are_found_without_looking_at_properties():
    async with smtp_door() as door, door.client():
        verbs = session_of(door).verbs()
        assert "_smtp_methods.get(command)" in SOURCE
        assert SOURCE.count("_smtp_methods") == 4  # made, asked, and twice in smtp_HELP, which ours replaces
        assert verbs >= {"AUTH", "DATA", "EHLO", "HELO", "MAIL", "NOOP", "QUIT", "RCPT", "RSET", "STARTTLS", "VRFY"}
        assert set(session_of(door)._auth_methods) == {"LOGIN", "PLAIN"}


async def test_each_connection_has_a_transaction_of_our_own_class():
    async with smtp_door() as door, door.client() as client:
        await client.begin("a@gp.test")
        assert list(session_of(door).transaction.recipients) == ["a@gp.test"]
        session_of(door).forget_transaction()
        assert session_of(door).transaction.recipients == {}
        assert session_of(door).transaction.mail_from is None


async def test_the_timer_is_restarted_by_reset_timeout():
    async with smtp_door() as door, door.client() as client:
        session = session_of(door)
        session.time_out_after(0.01)
        assert await client.reply() == "421 4.4.2 Idle for too long"


async def test_aiosmtpd_logs_nothing_of_a_session(caplog):
    caplog.set_level("DEBUG")
    async with smtp_door() as door, door.client() as client:
        await client.letter()
    assert [record for record in caplog.records if record.name == "mail.log"] == []


async def test_a_tls_handshake_that_fails_ends_the_session_and_nothing_else():
    async with smtp_door() as door:
        async with door.client("starttls") as client:
            assert (await client.ask("STARTTLS")).startswith("220")
            await client.send(b"this is no handshake\r\n" * 10)
            assert await client.closed() or True
        async with asyncio.timeout(30):
            await door.doors._door.empty.wait()
        assert door.doors.connections == 0
        async with door.client() as client:
            assert (await client.letter()).startswith("250")
