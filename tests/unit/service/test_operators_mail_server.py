"""What is no receipt goes to the hospital's mail server while the operator waits: its answer is the door's answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.service.operators import mail_server
from gateway.smtp.courier.timeouts import Timeouts
from tests.faults.floors import server_context
from tests.peers.authority import Authority
from tests.peers.hostile_smtp import CLOSE, EHLO, SILENCE, ScriptedHop, scripted_hop
from tests.unit.service.operators_kit import DOCTOR, OURS, Scene, gp_operator, make_scene, report
from tests.unit.smtp.smtp_door_kit import Client as Speaker

WARD = "service@ch.hospital.test"
ANSWER = b"From: dr@gp.test\r\nSubject: Re: lettre\r\n\r\n.Merci.\r\n"


@contextlib.asynccontextmanager
async def behind(folder: Path, authority: Authority, **script: bytes) -> AsyncIterator[tuple[Scene, ScriptedHop]]:
    """The door with a scripted mail server behind it."""
    async with scripted_hop(script, server_context(authority.server)) as hop:
        route = f'host = "localhost"\nport = {hop.port}\ntls = "implicit"\nca = "{authority.roots}"\n'
        scene = make_scene(folder, f'domains = ["CH.hospital.test"]\n[operators.mail_server]\n{route}')
        scene.list()
        async with scene.opened():
            yield scene, hop


def commands(hop: ScriptedHop) -> list[bytes]:
    """What it heard of the last session."""
    last = len(hop.heard) - 1 - hop.heard[::-1].index(next(x for x in hop.heard[::-1] if x.startswith(b"MAIL")))
    return [line for line in hop.heard[last:] if not line.startswith(b"QUIT")]


async def test_a_letter_for_people_is_theirs_before_the_operator_hears_yes(tmp_path: Path, authority: Authority):
    async with behind(tmp_path, authority) as (scene, hop):
        answer = await scene.hand_in(gp_operator(scene), to=WARD, content=b"." + ANSWER.replace(b"\n.", b"\n.."))
        assert answer.startswith("250 ")
        [taken] = hop.taken
        assert taken.endswith(ANSWER.replace(b"\n.", b"\n.."))
        assert taken.startswith(b"Received: by hospital.test (Huitaine) id 0")
    assert scene.heard == []


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ({"RCPT": b"550 5.1.1 Unknown user doctor.secret\r\n"}, "550 5.1.1 "),
        ({"RCPT": b"452 4.2.2 Mailbox full\r\n"}, "451 4.2.2 "),
        ({"MAIL": b"553 5.7.1 No\r\n"}, "550 5.7.1 "),
        ({"DATA": b"451 4.3.0 Later\r\n"}, "451 4.3.0 "),
        ({"dot": b"554 5.7.1 Virus\r\n"}, "550 5.7.1 "),
        ({"dot": b"451 4.3.0 Disk\r\n"}, "451 4.3.0 "),
        ({"dot": CLOSE}, "451 4.4.1 "),
        ({"dot": b"garbage\r\n"}, "451 4.5.0 "),
        ({"greeting": b"421 4.3.2 Closing\r\n"}, "451 4."),
    ],
)
async def test_what_it_answers_is_what_the_operator_hears(
    tmp_path: Path, authority: Authority, script: dict[str, bytes], heard: str
):
    async with behind(tmp_path, authority, **script) as (scene, _):
        answer = await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)
    assert answer.startswith(heard)
    assert "secret" not in answer


async def test_one_that_says_nothing_is_not_waited_for_longer_than_the_operator_waits(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mail_server, "TIMEOUTS", Timeouts(command=0.3))
    async with behind(tmp_path, authority, RCPT=SILENCE) as (scene, _):
        assert (await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)).startswith("451 4.4.")


async def test_when_all_places_there_are_taken_the_next_operator_is_asked_to_come_again(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mail_server, "AT_ONCE", 0)
    monkeypatch.setattr(mail_server, "PATIENCE", 0.01)
    async with behind(tmp_path, authority) as (scene, hop):
        assert (await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)).startswith("451 4.3.2 Busy")
    assert hop.connections == 0


async def test_a_server_that_is_not_there_loses_nothing(tmp_path: Path, authority: Authority):
    async with behind(tmp_path, authority) as (scene, hop):
        text = (tmp_path / "huitaine.toml").read_text(encoding="utf-8")
        (tmp_path / "huitaine.toml").write_text(text.replace(f"port = {hop.port}", "port = 9"))
        async with scene.opened():
            assert (await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)).startswith("451 4.4.1 ")


async def test_it_must_be_whom_its_certificate_says(tmp_path: Path, authority: Authority):
    async with scripted_hop(None, server_context(authority.unknown)) as hop:
        route = f'host = "localhost"\nport = {hop.port}\ntls = "implicit"\nca = "{authority.roots}"\n'
        scene = make_scene(tmp_path, f'domains = ["ch.hospital.test"]\n[operators.mail_server]\n{route}')
        scene.list()
        async with scene.opened():
            assert (await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)).startswith("451 4.7.5 ")
        assert hop.taken == []


async def test_an_unknown_mailbox_does_not_cost_the_others_their_letter(tmp_path: Path, authority: Authority):
    async with behind(tmp_path, authority) as (scene, hop), speaking(scene) as client:
        await client.ask(f"MAIL FROM:<{DOCTOR}> RET=HDRS ENVID=e+2B1")
        hop.lies["RCPT"] = b"550 5.1.1 Who\r\n"
        assert (await client.ask("RCPT TO:<nobody@ch.hospital.test>")).startswith("550 5.1.1 ")
        hop.lies.clear()
        assert (await client.ask(f"RCPT TO:<{WARD}> NOTIFY=SUCCESS ORCPT=rfc822;w+2B@x.test")).startswith("250 ")
        assert (await client.ask("RCPT TO:<two@ch.hospital.test>")).startswith("250 ")
        await client.ask("DATA")
        await client.send(ANSWER.replace(b"\n.", b"\n..") + b".\r\n")
        assert (await client.reply()).startswith("250 ")
        mail, first, second, data = commands(hop)[:4]
        assert mail.rstrip() in {
            b"MAIL FROM:<dr@gp.test> SIZE=%d RET=HDRS ENVID=e+2B1" % size for size in range(100, 400)
        }
        assert first.rstrip() == b"RCPT TO:<service@ch.hospital.test> NOTIFY=SUCCESS ORCPT=rfc822;w+2B@x.test"
        assert second.rstrip() == b"RCPT TO:<two@ch.hospital.test>"
        assert data.rstrip() == b"DATA"


async def test_one_that_is_refused_after_all_sends_the_letter_to_nobody(tmp_path: Path, authority: Authority):
    """Half a delivery cannot be said in SMTP: the operator comes back, and hears at RCPT which one it is."""
    async with behind(tmp_path, authority) as (scene, hop), speaking(scene) as client:
        await client.begin(WARD, "two@ch.hospital.test", sender=DOCTOR)
        hop.lies["RCPT"] = b"450 4.2.1 Not now\r\n"
        await client.ask("DATA")
        await client.send(ANSWER + b".\r\n")
        assert (await client.reply()).startswith("451 4.2.1 ")
        assert hop.taken == []


async def test_a_receipt_is_heard_and_not_handed_on_but_the_others_of_the_letter_get_it(
    tmp_path: Path, authority: Authority
):
    async with behind(tmp_path, authority) as (scene, hop), speaking(scene) as client:
        assert (await client.letter(report(), OURS, sender="")).startswith("250 ")
        assert (len(scene.heard), hop.taken) == (1, [])
        assert (await client.letter(report(), OURS, WARD, sender="")).startswith("250 ")
        assert (len(scene.heard), len(hop.taken)) == (2, 1)
        assert [line for line in commands(hop) if b"RCPT" in line] == [b"RCPT TO:<service@ch.hospital.test>\r\n"]
        assert (await client.letter(ANSWER, OURS, sender=DOCTOR)).startswith("250 ")  # for people, in that mailbox
        assert (len(scene.heard), len(hop.taken)) == (2, 2)


async def test_e6_nothing_is_relayed_to_anywhere_else(tmp_path: Path, authority: Authority):
    async with behind(tmp_path, authority) as (scene, hop):
        for to in ("x@autre.test", "x@sub.ch.hospital.test", '"x@ch.hospital.test"@autre.test', "x@hospital.test"):
            answer = await scene.hand_in(gp_operator(scene), to=to, content=ANSWER)
            assert answer.startswith("550 5.7.1 Relaying not allowed"), to
        assert hop.connections == 0


@pytest.mark.parametrize(("offered", "status"), [(b"8BITMIME", "5.6.3"), (b"SMTPUTF8", "5.6.7")])
async def test_what_it_cannot_take_is_said_and_not_mended(
    tmp_path: Path, authority: Authority, offered: bytes, status: str
):
    async with behind(tmp_path, authority, EHLO=EHLO.replace(offered, b"X")) as (scene, _), speaking(scene) as client:
        await client.ask(f"MAIL FROM:<{DOCTOR}> BODY=8BITMIME SMTPUTF8")
        answer = await client.ask("RCPT TO:<é@ch.hospital.test>" if status == "5.6.7" else f"RCPT TO:<{WARD}>")
        if answer.startswith("250"):
            await client.ask("DATA")
            await client.send(ANSWER.replace(b"Merci", "Très bien".encode()) + b".\r\n")
            answer = await client.reply()
        assert answer.startswith(f"554 {status} ")


@contextlib.asynccontextmanager
async def speaking(scene: Scene) -> AsyncIterator[Speaker]:
    """An operator's server after EHLO inside TLS."""
    client = Speaker(*await asyncio.open_connection("127.0.0.1", scene.port))
    try:
        await client.reply()
        await client.ask("EHLO mss.test")
        await client.starttls(scene.space.client_tls(gp_operator(scene)))
        await client.ask("EHLO mss.test")
        yield client
    finally:
        await client.close()
