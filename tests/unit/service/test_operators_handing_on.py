"""What the hospital's mail server gets, once and in time, and what only the gateway hears."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import load
from gateway.errors import Busy
from gateway.identifiers import new_letter_id
from gateway.letter import Door, Envelope, ReceivedLetter, Recipient
from gateway.moments import utc_now
from gateway.service.operators import mail_server
from gateway.service.operators.door import mail_server as behind_the_door
from gateway.service.operators.handed_on import HandedOn
from tests.journeys.kit import until
from tests.peers.authority import Authority
from tests.peers.hostile_smtp import CLOSE, SILENCE
from tests.unit.service.operators_kit import DOCTOR, OURS, gp_operator, make_scene, report
from tests.unit.service.test_operators_mail_server import ANSWER, WARD, behind, speaking

ACK = b"MSH|^~\\&|L|C|H|E|20260101||ACK^R01|1|P|2.5\rMSA|AA|42\r"
NOBODY = {"RCPT": b"550 5.1.1 Unknown user\r\n"}


def acknowledgement(words: bytes = b"") -> bytes:
    """As practice software sends it, in a mail with or without somebody's words."""
    return (
        b"From: dr@gp.test\r\nIn-Reply-To: <1@hospital.test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\n" + words + b"\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + ACK.replace(b"=", b"=3D").replace(b"\r", b"=0D")
        + b"\r\n--b--\r\n"
    )


def letter(**more: object) -> ReceivedLetter:
    plain = ReceivedLetter(
        id=new_letter_id(),
        door=Door.SMTP,
        source="operators",
        envelope=Envelope(sender=DOCTOR, recipients=(Recipient(address=WARD),)),
        content=ANSWER,
        received_at=utc_now(),
        replay_key=b"one",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


async def test_a_receipt_does_not_depend_on_whether_the_mail_server_knows_our_return_path(
    tmp_path: Path, authority: Authority
):
    async with behind(tmp_path, authority, **NOBODY) as (scene, hop):
        assert (await scene.hand_in(gp_operator(scene), "", to=OURS)).startswith("250 ")
        assert len(scene.heard) == 1
        assert hop.connections == 0
        control = await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)
        assert control.startswith("550 5.1.1 ")
        assert (await scene.hand_in(gp_operator(scene), to=OURS, content=ANSWER)).startswith("550 5.1.1 ")


async def test_the_same_mail_again_is_handed_on_once_and_gets_the_same_yes(tmp_path: Path, authority: Authority):
    async with behind(tmp_path, authority, dot=CLOSE) as (scene, hop):
        first = await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER)
        assert first.startswith("451 4.4.1 "), "no yes: it is not known as handed on"
        hop.lies["dot"] = b"250 2.0.0 Ok\r\n"
        hop.taken.clear()
        said = [await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER) for _ in range(3)]
        assert len(hop.taken) == 1
        assert len(set(said)) == 1
        assert said[0].startswith("250 2.0.0 Queued as ")
        other = await scene.hand_in(gp_operator(scene), to=WARD, content=ANSWER + b"P.-S.\r\n")
        assert other.startswith("250 ")
        assert len(hop.taken) == 2


def test_what_was_handed_on_is_known_for_three_days_and_while_there_is_room():
    known, first = HandedOn(most=2), letter()
    known.note(first)
    again = letter()
    assert known.first(again) == first.id
    assert known.first(replace(again, received_at=first.received_at + timedelta(hours=72))) is None
    known.note(letter(replay_key=b"two"))
    assert known.first(again) == first.id
    known.note(letter(replay_key=b"three"))
    assert known.first(again) is None


def test_one_that_is_under_way_is_not_begun_again():
    known = HandedOn()
    with known.once(letter()):
        with pytest.raises(Busy), known.once(letter()):
            pass
        with known.once(letter(replay_key=b"two")):
            pass
    with known.once(letter()):
        pass


@pytest.mark.parametrize(("before", "whole", "verb", "ambiguous"), [(0.3, 280, "DATA", 0), (130, 0.3, "dot", 1)])
async def test_silence_ends_in_time_and_after_the_dot_the_journal_says_that_nobody_knows(
    tmp_path: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    before: float,
    whole: float,
    verb: str,
    ambiguous: int,
):
    async with behind(tmp_path, authority, **{verb: SILENCE}) as (scene, _), speaking(scene) as client:
        await client.begin(WARD, sender=DOCTOR)
        monkeypatch.setattr(mail_server, "BEFORE_DOT", before)
        monkeypatch.setattr(mail_server, "ALL", whole)
        await client.ask("DATA")
        with capture_logs() as said:
            await client.send(ANSWER + b".\r\n")
            assert (await client.reply()).startswith("451 4.4.")
        assert len([line for line in said if line["event"] == "operator-mail-ambiguous"]) == ambiguous
        assert "operator-mail-handed-on" not in {line["event"] for line in said}


async def test_what_only_looks_like_a_receipt_is_handed_on(tmp_path: Path, authority: Authority):
    ko = b"From: dr@gp.test\r\nSubject: [KO integration] que faire ?\r\n\r\nAppelez-moi.\r\n"
    async with behind(tmp_path, authority) as (scene, hop):
        scene.are_ours = False
        for number, content in enumerate((report(), ko, acknowledgement(b"Appelez-moi.")), 1):
            sender = "" if number == 1 else DOCTOR
            assert (await scene.hand_in(gp_operator(scene), sender, to=OURS, content=content)).startswith("250 ")
            assert (len(scene.heard), len(hop.taken)) == (number, number)
            assert hop.taken[-1].endswith(content)


async def test_words_of_a_person_beside_a_receipt_go_to_people_and_a_receipt_alone_does_not(
    tmp_path: Path, authority: Authority
):
    async with behind(tmp_path, authority) as (scene, hop):
        for content, taken in ((acknowledgement(b"Appelez-moi."), 1), (acknowledgement(), 1), (report(DOCTOR), 1)):
            assert (await scene.hand_in(gp_operator(scene), to=OURS, content=content)).startswith("250 ")
            assert len(hop.taken) == taken
        assert len(scene.heard) == 3
        hop.lies["RCPT"] = NOBODY["RCPT"]
        assert (await scene.hand_in(gp_operator(scene), to=OURS, content=acknowledgement(b"Bis."))).startswith("250 ")
        assert (len(scene.heard), len(hop.taken)) == (4, 1), "nobody reads there: heard as a receipt"


async def test_without_a_mail_server_whatever_is_a_receipt_is_taken(tmp_path: Path):
    scene = make_scene(tmp_path)
    scene.list()
    scene.are_ours = False
    async with scene.opened():
        assert (await scene.hand_in(gp_operator(scene), content=acknowledgement(b"Appelez."))).startswith("250 ")
    assert len(scene.heard) == 1


async def test_mails_that_wait_for_a_place_may_not_fill_the_memory(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mail_server, "AT_ONCE", 0)
    monkeypatch.setattr(mail_server, "MOST_OCTETS", 1)
    async with behind(tmp_path, authority) as (scene, _):
        server = behind_the_door(load(scene.folder / "huitaine.toml"))
        assert server is not None
        first = asyncio.create_task(server.take(letter()))
        await asyncio.sleep(0)
        with pytest.raises(Busy) as refused:
            await server.take(letter())
        assert refused.value.detail == "mail server: octets"
        await stopped(first)
        control = asyncio.create_task(server.take(letter()))
        await asyncio.sleep(0)
        assert not control.done(), "alone it waits for its place, however large"
        await stopped(control)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_is_learnt_from_a_mail_holds_no_answer_up_and_names_the_operator_as_its_source(tmp_path: Path):
    scene = make_scene(tmp_path)
    scene.list()
    seen: list[bytes] = []
    held = asyncio.Event()

    async def learn(content: bytes) -> None:
        seen.append(content)
        await held.wait()
        raise RuntimeError

    scene.on_mail = learn
    async with scene.opened():
        forged = b"Return-Path: <x@autre.test>\r\n" + report(DOCTOR)
        with capture_logs() as said:
            for sender in (DOCTOR, ""):
                assert (await scene.hand_in(gp_operator(scene), sender, content=forged)).startswith("250 ")
            assert seen == [
                b"Return-Path: <operator@gp.test>\r\n" + forged,
                b"Return-Path: <operator@MSS.gp.test>\r\n" + forged,
            ]
            held.set()
            await until(lambda: [line["event"] for line in said].count("errand-failed") == 2)


async def test_who_brought_a_receipt_is_asked_of_the_list(tmp_path: Path):
    scene = make_scene(tmp_path)
    scene.list()
    async with scene.opened():
        await scene.hand_in(gp_operator(scene), "")
        await scene.hand_in(scene.space.operator("mss.autre.test", "1750000999"), "")
    assert scene.told_of == [True, False]
