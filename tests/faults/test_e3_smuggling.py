"""E3: no second letter is smuggled in, nor through a real Postfix before us, nor out of us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import PermanentFailure
from gateway.smtp.courier.commands import stuffed
from tests.peers.authority import Authority
from tests.peers.postfix import Chain, Postfix, running_postfix
from tests.unit.smtp.smtp_door_kit import FALSE_ENDINGS, Client, FakeIntake, OpenDoor, client_tls, smtp_door

HEAD = b"From: secretariat@ch-exemple.test\r\nSubject: essai\r\n\r\n"
SMUGGLED = b"MAIL FROM:<faux@labo.ch-exemple.test>\r\nRCPT TO:<victime@gp.test>\r\nDATA\r\nfaux\r\n"
ENVELOPE = b"MAIL FROM:<secretariat@ch-exemple.test>\r\nRCPT TO:<auto@huitaine.test>\r\nDATA\r\n"


@pytest.mark.parametrize("listener", ["clear", "tls"])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_e3_each_false_end_with_everything_pipelined_behind_it_is_one_refused_letter(listener: str, pieces: int):
    tls = {"ssl": client_tls(), "server_hostname": "localhost"} if listener == "tls" else {}
    async with smtp_door(intake=FakeIntake(remembers=False)) as door:
        for ending in FALSE_ENDINGS:
            async with door.client(listener, **tls) as client:
                if tls:
                    assert (await client.ask("AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl")).startswith("235")
                wire = ENVELOPE + HEAD + b"texte" + ending + SMUGGLED + b".\r\nNOOP\r\n"
                size = -(-len(wire) // pieces)
                for at in range(0, len(wire), size):
                    await client.send(wire[at : at + size])
                    await asyncio.sleep(0)
                said = [(await client.reply())[:9] for _ in range(5)]
                assert said == ["250 2.1.0", "250 2.1.5", "354 End d", "550 5.6.0", "250 2.0.0"], ending
        assert door.intake.kept == []


async def test_e3_control_a_true_end_begins_a_second_letter():
    async with smtp_door() as door, door.client() as client:
        await client.send(ENVELOPE + HEAD + b"un\r\n.\r\n" + ENVELOPE + HEAD + b"deux\r\n.\r\n")
        said = [(await client.reply())[:4] for _ in range(8)]
        assert said == ["250 ", "250 ", "354 ", "250 "] * 2
        assert len(door.intake.kept) == 2


@pytest.fixture
async def behind(authority: Authority) -> AsyncIterator[tuple[OpenDoor, Postfix]]:
    """Our door with a Postfix before it, as many hospitals have one."""
    async with smtp_door() as door:
        chain = Chain(
            relay=f"[127.0.0.1]:{door.doors.ports['clear']}",
            settings={
                "smtpd_forbid_bare_newline": "normalize",
                "smtpd_forbid_bare_newline_exclusions": "",  # by default our own network would be let off
                "smtp_tls_security_level": "none",
            },
        )
        with running_postfix(authority, chain) as postfix:
            yield door, postfix


@pytest.mark.peer
@pytest.mark.root
@pytest.mark.timeout(300)
async def test_e3_nothing_is_smuggled_through_a_postfix_before_us(behind: tuple[OpenDoor, Postfix]):
    door, postfix = behind
    for number, ending in enumerate(
        ending for ending in FALSE_ENDINGS if b"\r\n.\r\n" not in ending
    ):  # Postfix's own end
        client = Client(*await asyncio.open_connection("127.0.0.1", postfix.port))
        await client.reply()
        await client.ask("EHLO client.test")
        for line in ENVELOPE.splitlines():
            await client.ask(line)
        body = HEAD + b"Message-ID: <%d@ch-exemple.test>\r\n" % number + b"texte" + ending + SMUGGLED + b"\r\n.\r\n"
        await client.send(body)
        await client.reply()
        await client.close()
    client = Client(*await asyncio.open_connection("127.0.0.1", postfix.port))  # the control: an honest letter passes
    await client.reply()
    await client.ask("EHLO client.test")
    for line in ENVELOPE.splitlines():
        await client.ask(line)
    await client.send(HEAD + b"franc\r\n.\r\n")
    assert (await client.reply()).startswith("250 ")
    await client.close()
    async with asyncio.timeout(120):
        while "is empty" not in await asyncio.to_thread(postfix.queue):
            await asyncio.to_thread(postfix.flush)
            await asyncio.sleep(0.3)
    assert {letter.envelope.sender for letter in door.intake.kept} == {"secretariat@ch-exemple.test"}
    assert {one.address for letter in door.intake.kept for one in letter.envelope.recipients} == {"auto@huitaine.test"}
    assert any(b"franc" in letter.content for letter in door.intake.kept)


def bare(octets: bytes) -> bool:
    """Whether a CR or LF stands alone."""
    rest = octets.replace(b"\r\n", b"")
    return b"\r" in rest or b"\n" in rest


@pytest.mark.parametrize("ending", FALSE_ENDINGS)
def test_e3_what_leaves_has_no_bare_line_end_and_no_early_end(ending: bytes):
    try:
        wire = stuffed(HEAD + b"texte" + ending + SMUGGLED)
    except PermanentFailure:
        assert bare(ending)
        return
    assert not bare(wire)
    assert b"\r\n.\r\n" not in wire


def test_e3_control_a_sender_that_passes_them_on_is_seen():
    assert [bare(ending) for ending in FALSE_ENDINGS].count(True) >= 10
