"""The table of promises.md §2 against a running gateway, over raw sockets: every row, every variant.

Inputs: ``bad_*.py`` beside this file; those that need not come in one packet are sent byte by byte as well. Expected
answers: ``replies.txt``, the golden file. Rows 24 and 25 are in ``test_bad_peers_of_the_table.py``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
import pytest_asyncio

from gateway.service.from_settings import doors
from gateway.smtp.server.settings import SmtpLimits
from tests.dialogues import bad_hl7, bad_mail, bad_peers, bad_smtp, bad_smtp_sessions
from tests.dialogues.alive import Alive, Client, alive
from tests.dialogues.case import Case, golden, like
from tests.journeys.kit import until
from tests.peers.authority import Authority

in_one_loop = pytest.mark.asyncio(loop_scope="module")
SMTP = [*bad_smtp.CASES, *bad_smtp_sessions.CASES]
MLLP = [*bad_hl7.CASES, *bad_hl7.TAKEN]
GOLDEN = golden()
MOMENT = timedelta(milliseconds=50)
"""What each guess and each error costs here, in place of seconds: how long is tested in test_server_limits.py."""
LINGER = timedelta(milliseconds=250)
"""What the door waits here between its last reply and the close, in place of a second."""
PACES = [(case, pace) for case in SMTP for pace in ([False] if case.at_once else [False, True])]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> AsyncIterator[Alive]:
    with pytest.MonkeyPatch.context() as patch:
        sooner = partial(SmtpLimits, guess_delay=MOMENT, error_delay=MOMENT, linger=LINGER)
        patch.setattr(doors, "SmtpLimits", sooner)
        async with alive(tmp_path_factory.mktemp("bad"), authority) as running:
            yield running


def named(value: object) -> str | None:
    if isinstance(value, Case):
        return f"row {value.row} {value.variant}"
    return ("byte by byte" if value else "whole") if isinstance(value, bool) else None


@in_one_loop
@pytest.mark.parametrize(("case", "byte_by_byte"), PACES, ids=named)
async def test_a_bad_input_at_the_smtp_door_gets_its_reply(gateway: Alive, case: Case, byte_by_byte: bool) -> None:
    before = len(gateway.letters())
    async with gateway.client(case.door, logs_in=case.logs_in, address=case.client) as client:
        said = await answered(client, case, byte_by_byte=byte_by_byte)
        assert like(GOLDEN[case.name], said), said
        if case.closes:
            assert await client.closed()
        else:
            await usable(client, logged_in=case.logs_in)
    if case.closes:
        async with gateway.client("implicit", logs_in=True) as another:
            await usable(another, logged_in=True)
    assert len(gateway.letters()) == before + case.kept  # nothing of it was kept


@in_one_loop
@pytest.mark.parametrize("reset", [True, False])
async def test_row_10_whoever_is_cut_off_leaves_all_or_nothing(gateway: Alive, reset: bool) -> None:
    before = {letter["id"] for letter in gateway.letters()}
    session = b"".join(bad_smtp_sessions.TRANSACTION)
    cuts = sorted({*range(0, len(session), 29), *range(len(session) - 6, len(session))})
    for cut in cuts:
        async with gateway.client("implicit", logs_in=True) as client:
            await client.send(session[:cut])
            if reset:
                client.writer.transport.abort()
    async with gateway.client("implicit", logs_in=True) as client:
        await usable(client, logged_in=True)
    for letter in {letter["id"] for letter in gateway.letters()} - before:
        kept = await asyncio.to_thread(gateway.running.store.recall, letter)
        assert kept is None or kept.received.content == bad_smtp_sessions.TRANSACTION[-1][:-3]


@in_one_loop
@pytest.mark.parametrize("case", MLLP, ids=named)
async def test_row_23_a_bad_message_at_the_mllp_door_gets_its_acknowledgement(gateway: Alive, case: Case) -> None:
    async with gateway.client("mllp") as client:
        await client.send(case.says[0])
        said = (await client.block()).decode().rstrip("\r").split("\r")
        assert like(GOLDEN[case.name], " ⏎ ".join(said[1:])), said[1:]
        control = b"OK%d" % abs(hash(case.variant))
        await client.send(b"\x0b" + bad_hl7.GOOD.replace(b"BAD0001", control[:20]) + b"\x1c\r")
        assert b"\rMSA|AA|" in await client.block()  # and the connection goes on


@in_one_loop
@pytest.mark.parametrize("case", bad_mail.CASES, ids=named)
async def test_a_bad_mail_is_kept_and_goes_on_unread_or_is_held_and_told(gateway: Alive, case: Case) -> None:
    async with gateway.client("implicit", logs_in=True) as client:
        said = await answered(client, case, byte_by_byte=False)
        assert said.startswith("250 2.0.0 Queued as "), said
        await usable(client, logged_in=True)
    letter = said.split()[-1]
    (delivery,) = await gateway.settled(letter)
    outcome = f"250 2.0.0 Queued as *, then {delivery['state']} {delivery['reason']}".rstrip()
    assert outcome == GOLDEN[case.name]
    if delivery["state"] == "held":
        await gateway.running.entrances.teller.tell()  # or the gateway's own clock is just about to
        await until(lambda: any(entry["code"] == "held" for entry in gateway.journal(letter)))
    else:
        harmless(gateway, case)


def harmless(gateway: Alive, case: Case) -> None:
    """What the addressee opens has names that lead nowhere and headers that nobody slipped in (rows 19 and 21)."""
    mail = gateway.opened()
    assert b"\nBcc:" not in mail.entity
    for part in mail.parts:
        assert re.fullmatch(r"[^/\\:\x00-\x1f\x7f\u202a-\u202e]{0,255}", part.name), part.name
    if case.row == 21:
        assert b"%PDF-1.4\n%%EOF\n" in {part.content for part in mail.parts}


@in_one_loop
async def test_a10_control_a_good_letter_gets_250_and_a_good_message_aa(gateway: Alive) -> None:
    async with gateway.client("implicit", logs_in=True) as client:
        for said in bad_smtp_sessions.TRANSACTION[:-1]:
            assert (await client.ask(said))[:1] in {"2", "3"}
        letter = await client.ask(bad_smtp_sessions.TRANSACTION[-1])
        assert letter.startswith("250 2.0.0 Queued as ")
    assert [row["state"] for row in await gateway.settled(letter.split()[-1])] == ["done"]
    async with gateway.client("mllp") as client:
        await client.send(b"\x0b" + bad_hl7.GOOD.replace(b"BAD0001", b"GOOD1") + b"\x1c\r")
        assert b"\rMSA|AA|GOOD1" in await client.block()


def test_a10_every_reply_says_what_and_why_on_one_line_with_its_code() -> None:
    for name, reply in GOLDEN.items():
        row = int(name.split(" | ")[0])
        shape = r"(AE|AA).*" if row == 23 else r"(?P<kind>[245])\d\d (?P=kind)\.\d{1,3}\.\d{1,3} [A-Z].{5,}"
        if row < 24:
            assert re.fullmatch(shape.replace("(AE|AA)", r"MSA\|(AE|AA)\|"), reply), (name, reply)
        assert len(reply) <= 512 or row == 23


def test_every_row_of_the_table_is_here_and_nothing_besides() -> None:
    cases = [*SMTP, *MLLP, *bad_mail.CASES, *bad_peers.CASES]
    assert {case.row for case in cases} | {10} == set(range(1, 26))
    assert {case.name for case in cases} == set(GOLDEN)


async def answered(client: Client, case: Case, *, byte_by_byte: bool) -> str:
    """Say everything, and give the answer to the last of it."""
    for say in case.says[:-1]:
        await client.ask(say)
    sending = asyncio.create_task(client.send(case.says[-1], byte_by_byte=byte_by_byte))
    replies: list[str] = []
    while len(replies) < case.answers and (not replies or replies[-1][:4] not in {"", "421 "}):
        replies.append(await client.reply())
    await sending
    assert case.last or set(replies) == {replies[0]}
    return replies[-1]


async def usable(client: Client, *, logged_in: bool) -> None:
    """The session goes on as if nothing had been said."""
    assert (await client.ask(b"NOOP\r\n")).startswith("250 ")
    if logged_in:
        for command in (b"RSET\r\n", bad_smtp.FROM, bad_smtp.TO, b"RSET\r\n"):
            assert (await client.ask(command)).startswith("250 ")
