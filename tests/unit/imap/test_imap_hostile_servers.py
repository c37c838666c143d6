"""Promises §2 row 24 and traps.md row 10: whatever the server does, the call ends in time and the session with it."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping

import aioimaplib
import pytest
from structlog.testing import capture_logs

from gateway.errors import MailboxUnavailable, SettingsRefused
from gateway.imap import Account, FetchedMail, Limits, MailboxWatch, OversizedMail, Pace, Session
from tests.peers.authority import Authority
from tests.peers.hostile_imap import BODY, CLOSE, DONE, SILENCE, scripted_server

QUICK = Limits(command=0.5, fetch=0.5, size=10_000)


def account(port: int, context: ssl.SSLContext, user: str = "gp") -> Account:
    return Account(
        name="gp", host="127.0.0.1", port=port, user=user, password='a"b\\c', context=context, server_name="mx.test"
    )


async def read_all(authority: Authority, script: Mapping[str, bytes]) -> list[bytes | None]:
    """Everything a session does, once."""
    async with scripted_server(authority, script) as server:
        session = await Session.open(account(server.port, server.context), QUICK)
        try:
            found = [await session.content(entry) for entry in await session.entries(await session.uids())]
            await session.wait_for_change(0.2)
            await session.move(5, "Taken")
        finally:
            await session.close()
        return found


async def test_an_honest_server_gives_its_mail(authority: Authority) -> None:
    assert await read_all(authority, {}) == [BODY]


HOSTILE = {
    "a literal of 4 GB": {"BODY": b"* 1 FETCH (UID 5 BODY[] {4294967295}\r\n" + b"x" * 5_000_000},
    "a line without end": {"SEARCH": b"* SEARCH " + b"1" * 5_000_000},
    "a number too long": {"SEARCH": b"* SEARCH 99999999999999\r\n" + DONE},
    "a word among the numbers": {"SEARCH": b"* SEARCH 1 two\r\n" + DONE},
    "silence to FETCH": {"BODY": SILENCE},
    "silence to SELECT": {"SELECT": SILENCE},
    "silence to LOGIN": {"LOGIN": SILENCE},
    "silence instead of a greeting": {"greeting": SILENCE},
    "silence to IDLE": {"IDLE": SILENCE},
    "silence to DONE": {"DONE": SILENCE},
    "gone at FETCH": {"BODY": CLOSE},
    "gone at IDLE": {"IDLE": CLOSE},
    "gone at the greeting": {"greeting": CLOSE},
    "gone in the middle of a literal": {"BODY": b"* 1 FETCH (UID 5 BODY[] {21}\r\nSubj"},
    "BYE as greeting": {"greeting": b"* BYE go away\r\n"},
    "BYE while idle": {"IDLE": b"+ idling\r\n* BYE\r\n"},
    "BYE then gone": {"SEARCH": b"* BYE\r\n"},
    "HTTP": {"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
    "a wrong tag": {"SEARCH": b"ZZZ9 OK done\r\n"},
    "NO to SELECT": {"SELECT": b"TAG NO not you\r\n"},
    "BAD to LOGIN": {"LOGIN": b"TAG BAD not you\r\n"},
    "no UIDVALIDITY": {"SELECT": b"* 1 EXISTS\r\n" + DONE},
    "UIDVALIDITY of zero": {"SELECT": b"* OK [UIDVALIDITY 0]\r\n" + DONE},
    "another mail's content": {"BODY": b"* 1 FETCH (UID 6 BODY[] {2}\r\nhi)\r\n" + DONE},
    "NO to IDLE": {"IDLE": b"TAG NO\r\n"},
    "no move and no folder": {"MOVE": b"TAG NO\r\n"},
    "capability of nothing": {"CAPABILITY": DONE},
    "a flood while idle": {"IDLE": b"+ idling\r\n" + b"* 1 RECENT\r\n" * 200_000},
    "a line without end while idle": {"IDLE": b"+ idling\r\n* " + b"x" * 5_000_000},
    "a literal of 4 GB while idle": {"IDLE": b"+ idling\r\n* 1 FETCH (BODY[] {4294967295}\r\n" + b"x" * 5_000_000},
    "a literal of 4 GB to MOVE": {"MOVE": b"* 1 FETCH (BODY[] {4294967295}\r\n" + b"x" * 5_000_000},
    "a flood to MOVE": {"MOVE": b"* 1 EXPUNGE\r\n" * 200_000},
    "silence to MOVE": {"MOVE": SILENCE},
    "gone at MOVE": {"MOVE": CLOSE},
    "BYE at MOVE": {"MOVE": b"* BYE\r\n"},
    "a wrong tag to MOVE": {"MOVE": b"ZZZ9 OK done\r\n"},
    "silence to CREATE": {"MOVE": b"TAG NO [TRYCREATE]\r\n", "CREATE": SILENCE},
    "silence to COPY": {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n" + DONE, "NOOP": DONE, "COPY": SILENCE},
    "NO to STORE": {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n" + DONE, "COPY": DONE, "STORE": b"TAG NO\r\n"},
    "bytes that are no text": {"SEARCH": b"* \xff\xfe\r\n\xff\xfe OK\r\n"},
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_server_that_misbehaves_loses_us_in_time(authority: Authority, script: Mapping[str, bytes]) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(MailboxUnavailable):
            await read_all(authority, script)


@pytest.mark.parametrize("lines", [400, 2_000, 50_000])
async def test_trap_recursion_of_aioimaplib_is_fenced(authority: Authority, lines: int) -> None:
    """2,000 lines in one read kill aioimaplib's parser (see the control); ours reads 400 and hangs up on more."""
    flood = b"".join(b"* %d FETCH (UID %d FLAGS () RFC822.SIZE 9)\r\n" % (n, n) for n in range(1, lines)) + DONE
    script = {"LIST": flood, "SEARCH": b"* SEARCH 1 5\r\n" + DONE}
    async with scripted_server(authority, script) as server:
        session = await Session.open(account(server.port, server.context), Limits(command=1))
        started = time.process_time()
        try:
            if lines == 400:
                assert [entry.uid for entry in await session.entries([1, 5])] == [1, 5]
            else:
                with pytest.raises(MailboxUnavailable) as caught:
                    await session.entries([1, 5])
                assert "more" in caught.value.detail
            assert time.process_time() - started < 1
        finally:
            await session.close()


async def test_trap_recursion_control_aioimaplib_alone_never_answers(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    # So many that it does not matter into how many reads a busy machine cuts them: too deep, or quadratic.
    flood = b"".join(b"* %d FETCH (UID %d FLAGS () RFC822.SIZE 9)\r\n" % (n, n) for n in range(1, 20_000)) + DONE
    async with scripted_server(authority, {"LIST": flood}) as server:
        server.context.check_hostname = False
        client = aioimaplib.IMAP4("127.0.0.1", server.port, ssl_context=server.context)
        await client.wait_hello_from_server()
        await client.login("gp", "x")
        await client.select()
        with caplog.at_level(logging.CRITICAL, "asyncio"), pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.protocol.fetch("1:*", "(FLAGS)", by_uid=True)
        if client.protocol.transport is not None:
            client.protocol.transport.abort()


async def test_trap_closed_at_idle_is_fenced(authority: Authority) -> None:
    async with scripted_server(authority, {"IDLE": CLOSE}) as server, asyncio.timeout(20):
        session = await Session.open(account(server.port, server.context), Limits(command=30))
        with pytest.raises(MailboxUnavailable):
            await session.wait_for_change(30)
        assert not session.is_open
        await session.close()


async def test_trap_unquoted_names_are_fenced(authority: Authority) -> None:
    async with scripted_server(authority, {}) as server:
        session = await Session.open(account(server.port, server.context, user='gp "x" \\ y'), QUICK)
        await session.move(5, 'Reçus & "pris"')
        await session.close()
    login, move = (next(line for line in server.lines if word in line) for word in (b"LOGIN", b"MOVE"))
    assert login.partition(b" ")[2] == b'LOGIN "gp \\"x\\" \\\\ y" "a\\"b\\\\c"\r\n'
    assert move.partition(b" ")[2] == b'UID MOVE 5 "Re&AOc-us &- \\"pris\\""\r\n'


async def test_trap_line_end_in_a_name_is_refused(authority: Authority) -> None:
    async with scripted_server(authority, {}) as server:
        with pytest.raises(MailboxUnavailable):
            await Session.open(account(server.port, server.context, user="gp\r\nX LOGOUT"), QUICK)
    assert not any(b"X LOGOUT" in line for line in server.lines)


async def test_trap_debug_log_prints_mails_is_fenced(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("aioimaplib").setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        await read_all(authority, {})
    assert "hello" not in caplog.text


async def test_without_move_a_mail_is_copied_and_only_it_is_expunged(authority: Authority) -> None:
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n" + DONE,
        "COPY": DONE,
        "STORE": DONE,
        "EXPUNGE": DONE,
    }
    async with scripted_server(authority, script) as server:
        session = await Session.open(account(server.port, server.context), QUICK)
        await session.move(5, "Taken")
        await session.wait_for_change(0.05)
        await session.close()
    assert [line.partition(b" ")[2] for line in server.lines if b"EXPUNGE" in line] == [b"UID EXPUNGE 5\r\n"]
    assert server.heard[-5:] == ["COPY", "STORE", "EXPUNGE", "NOOP", "LOGOUT"]


async def test_a_missing_folder_is_made(authority: Authority) -> None:
    async with scripted_server(authority, {"MOVE": b"TAG NO [TRYCREATE]\r\n", "CREATE": DONE}) as server:
        session = await Session.open(account(server.port, server.context), QUICK)
        with pytest.raises(MailboxUnavailable):
            await session.move(5, "Taken")
        assert session.is_open, "its right, and no disorder: other mails may be moved"
        await session.close()
    assert server.heard[-4:] == ["MOVE", "CREATE", "MOVE", "LOGOUT"]


async def test_a_wrong_name_in_the_certificate_ends_before_the_login(authority: Authority) -> None:
    async with scripted_server(authority, {}) as server:
        elsewhere = Account(
            name="gp",
            host="127.0.0.1",
            port=server.port,
            user="gp",
            password="x",
            context=server.context,
            server_name="imap.elsewhere.test",
        )
        with pytest.raises(MailboxUnavailable):
            await Session.open(elsewhere, QUICK)
    assert "LOGIN" not in server.heard


def test_an_account_that_verifies_nothing_is_refused() -> None:
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.check_hostname = False
    lax.verify_mode = ssl.CERT_NONE
    with pytest.raises(SettingsRefused):
        account(993, lax)


async def test_a_watch_survives_a_server_that_fails_half_of_the_time(authority: Authority) -> None:
    async with scripted_server(authority, {"IDLE": CLOSE}) as server:
        pace = Pace(again=0.0, first_wait=0.01)
        watch = MailboxWatch(account(server.port, server.context), limits=QUICK, pace=pace)
        seen = []
        async for mail in watch.mails():
            seen.append(mail)
            if len(seen) == 3:
                break
        await watch.close()
    assert seen == [FetchedMail(uidvalidity=7, uid=5, content=BODY)] * 3
    assert server.connections >= 3


async def test_an_oversized_mail_is_told_and_not_fetched(authority: Authority) -> None:
    script = {"LIST": b"* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 99999)\r\n" + DONE}
    async with scripted_server(authority, script) as server:
        watch = MailboxWatch(account(server.port, server.context), limits=QUICK)
        mail = await anext(watch.mails())
        await watch.move(mail, "Refused")
        await watch.close()
    assert mail == OversizedMail(uidvalidity=7, uid=5, size=99999, header=b"Subject: x\r\n\r\n")
    assert "BODY" not in server.heard


async def test_a_mail_of_another_uidvalidity_is_never_moved(authority: Authority) -> None:
    async with scripted_server(authority, {}) as server:
        watch = MailboxWatch(account(server.port, server.context), limits=QUICK)
        await anext(watch.mails())
        with pytest.raises(MailboxUnavailable):
            await watch.move(FetchedMail(uidvalidity=6, uid=5, content=b""), "Taken")
        await watch.close()
        with pytest.raises(MailboxUnavailable):
            await watch.move(FetchedMail(uidvalidity=7, uid=5, content=b""), "Taken")
    assert "MOVE" not in server.heard


HEADERS = {
    "silence": SILENCE,
    "a literal of 4 GB": b"* 1 FETCH (UID 5 BODY[HEADER]<0> {4294967295}\r\n" + b"x" * 5_000_000,
    "gone": CLOSE,
    "another mail's": b"* 1 FETCH (UID 6 BODY[HEADER]<0> {2}\r\nhi)\r\n" + DONE,
}


@pytest.mark.parametrize("answer", HEADERS.values(), ids=HEADERS.keys())
async def test_row_24_the_header_of_an_oversized_mail_is_fetched_as_guardedly(
    authority: Authority, answer: bytes
) -> None:
    script = {"LIST": b"* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 99999)\r\n" + DONE, "HEADER": answer}
    async with scripted_server(authority, script) as server, asyncio.timeout(20):
        session = await Session.open(account(server.port, server.context), QUICK)
        [entry] = await session.entries([5])
        with pytest.raises(MailboxUnavailable):
            await session.header(entry)
        assert not session.is_open
        await session.close()


async def test_row_24_a_hostile_server_is_left_in_peace_longer_and_longer_and_others_are_untouched(
    authority: Authority,
) -> None:
    hostile_script = {"LOGIN": b"TAG NO [UNAVAILABLE] not now\r\n"}
    async with scripted_server(authority, hostile_script) as hostile, scripted_server(authority, {}) as honest:
        pace = Pace(idle=0.05, first_wait=0.05, longest_wait=0.4, again=0.0, least=0.0)
        watches = [
            MailboxWatch(account(server.port, server.context), limits=QUICK, pace=pace) for server in (hostile, honest)
        ]
        taken = 0

        async def take(_: FetchedMail | OversizedMail) -> str:
            nonlocal taken
            taken += 1
            return "Taken"

        tasks = [asyncio.create_task(watch.sort(take)) for watch in watches]
        with capture_logs() as logs:
            async with asyncio.timeout(30):
                while hostile.connections < 6 or taken < 3:  # noqa: ASYNC110  a server has no event
                    await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    told = [entry for entry in logs if entry["event"] == "mailbox-unavailable"]
    assert [entry["wait"] for entry in told[:5]] == [0.05, 0.1, 0.2, 0.4, 0.4]
    assert {entry["why"] for entry in told} == {"LOGIN answered NO"}
    assert honest.connections == 1


@pytest.mark.parametrize(
    ("answer", "waits"),
    [(b"TAG NO wrong password\r\n", [0.02, 0.04, 0.08, 0.16, 0.16]), (b"TAG NO [INUSE]\r\n", [0.02, 0.04, 0.04, 0.04])],
)
async def test_a_refused_password_is_tried_again_far_more_rarely_than_a_server_out_of_order(
    authority: Authority, answer: bytes, waits: list[float]
) -> None:
    pace = Pace(first_wait=0.02, longest_wait=0.04, refused_wait=0.16)
    async with scripted_server(authority, {"LOGIN": answer}) as server:
        watch = MailboxWatch(account(server.port, server.context), limits=QUICK, pace=pace)
        with capture_logs() as logs:
            task = asyncio.create_task(anext(watch.mails()))
            async with asyncio.timeout(30):
                while server.connections <= len(waits):  # noqa: ASYNC110  a server has no event
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert [entry["wait"] for entry in logs if entry["event"] == "mailbox-unavailable"][: len(waits)] == waits


async def test_row_24_uidvalidity_that_jumps_while_connected_moves_no_mail_of_the_new_numbers(
    authority: Authority,
) -> None:
    """A server that changes it in the middle of a session has to be asked again before anything is moved."""
    async with scripted_server(authority, {"MOVE": b"* OK [UIDVALIDITY 8] changed\r\nTAG NO\r\n"}) as server:
        watch = MailboxWatch(account(server.port, server.context), limits=QUICK)
        mail = await anext(watch.mails())
        with pytest.raises(MailboxUnavailable):
            await watch.move(mail, "Taken")
        await watch.close()


async def test_a_mail_that_the_server_will_not_move_is_fetched_once_and_the_next_one_is_taken(
    authority: Authority,
) -> None:
    two = b"* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 21)\r\n* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 21)\r\n" + DONE
    body = b"* 1 FETCH (UID 5 BODY[] {%d}\r\n%b)\r\n* 2 FETCH (UID 6 BODY[] {%d}\r\n%b)\r\n" % ((len(BODY), BODY) * 2)
    script = {"SEARCH": b"* SEARCH 5 6\r\n" + DONE, "LIST": two, "BODY": body + DONE, "MOVE": b"TAG NO full\r\n"}
    script["CREATE"] = b"TAG NO exists\r\n"
    async with scripted_server(authority, script) as server:
        pace = Pace(idle=0.05, again=0.05, first_wait=0.01, least=0.0)
        watch = MailboxWatch(account(server.port, server.context), limits=QUICK, pace=pace)
        offered: list[int] = []

        async def take(mail: FetchedMail | OversizedMail) -> str:
            offered.append(mail.uid)
            return "Taken"

        task = asyncio.create_task(watch.sort(take))
        async with asyncio.timeout(30):
            while server.heard.count("MOVE") < 12:  # noqa: ASYNC110  a server has no event
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert offered == [5, 6]
    assert server.heard.count("BODY") == 2
    assert server.connections == 1
