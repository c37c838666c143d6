"""The operators' door as the settings make it: whose certificate may write as whom the white list says, right then."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import SettingsRefused
from gateway.letter import ReceiptKind
from gateway.service.receipts.hearing import AttemptUnderWay
from tests.faults.client_certificates import HospitalAuthority
from tests.journeys.kit import until
from tests.peers.trust_space import OTHER_OPERATOR
from tests.unit.service.operators_kit import DOCTOR, OURS, Scene, gp_operator, make_scene, report
from tests.unit.smtp.smtp_door_kit import Client as Speaker


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(tmp_path)


async def test_an_operator_of_the_list_hands_in_a_receipt_of_its_own_domain(scene: Scene):
    scene.list()
    async with scene.opened():
        with capture_logs() as said:
            for sender in (DOCTOR, "dr@CABINET.test", ""):
                assert (await scene.hand_in(gp_operator(scene), sender)).startswith("250 "), sender
        told = [line for line in said if line["event"] == "smtp_operator"]
        assert {len(line["fingerprint"]) for line in told} == {32}
        assert "gp.test" not in str(said)
    assert [receipt.kind for receipt in scene.heard] == [ReceiptKind.FAILED] * 3


async def test_e4_no_certificate_gets_in_that_is_wrong_in_one_thing(scene: Scene):
    scene.list()
    stranger = HospitalAuthority(scene.folder, "AC TEST 2")
    same_name = scene.space.folder / "same"
    same_name.mkdir()
    revoked = gp_operator(scene)
    scene.space.authority.revoked.append(revoked.serial)
    scene.space.publish_revocations()
    names = ("mss.gp.test", "1750000000")
    wrong = {
        "none": (None, "peer did not return a certificate"),
        "of another authority": (
            scene.space.operator(*names, of=stranger),
            "unable to get local issuer certificate",
        ),
        "of one of the same name": (
            scene.space.operator(*names, of=HospitalAuthority(same_name, "AC TEST")),
            "certificate signature failure",
        ),
        "revoked": (revoked, "certificate revoked"),
    }
    async with scene.opened():
        for what, (shown, reason) in wrong.items():
            with capture_logs() as said:
                assert await scene.hand_in(shown) == "", what
                await until(lambda told=said: any(line["event"] == "smtp_handshake_failed" for line in told))
            reasons = [line["reason"] for line in said if line["event"] == "smtp_handshake_failed"]
            assert reasons == [reason], what
        assert (await scene.hand_in(gp_operator(scene))).startswith("250 ")


async def test_a_certificate_of_the_authority_whose_name_is_not_in_the_list_may_write_as_nobody(scene: Scene):
    scene.list()
    async with scene.opened():
        for cn, unit in (("mss.gp.test", "1750000999"), ("autre.gp.test", "1750000000"), ("mss.gp.test", "")):
            shown = scene.space.operator(cn, unit or "x")
            for sender in (DOCTOR, ""):
                answer = await scene.hand_in(shown, sender)
                assert answer.startswith("550 5.7.1 No operator has this certificate in the MSSante white list of 20")
        assert (await scene.hand_in(gp_operator(scene))).startswith("250 ")


async def test_e6_an_operator_of_the_list_may_not_write_as_another_ones_domain(scene: Scene):
    scene.list()
    async with scene.opened():
        shown = gp_operator(scene)
        for sender in ("dr@autre.test", "dr@nowhere.test", "dr@sub.gp.test", "gp.test@autre.test"):
            answer = await scene.hand_in(shown, sender)
            assert answer.startswith("550 5.7.1 Sender's domain is not this operator's in the MSSante white list")
        other = scene.space.operator("mss.autre.test", "1750000999")
        assert (await scene.hand_in(other, "dr@autre.test")).startswith("250 ")
        assert (await scene.hand_in(other)).startswith("550 ")


async def test_e6_nor_show_another_ones_address_in_from(scene: Scene):
    scene.list()
    async with scene.opened():
        shown = gp_operator(scene)
        for sender in (DOCTOR, ""):
            forged = await scene.hand_in(shown, sender, content=report("dr@Autre.test"))
            assert forged.startswith("550 5.7.1 ")
            assert (await scene.hand_in(shown, sender, content=report("dr@cabinet.test"))).startswith("250 ")


async def test_without_a_list_or_with_one_too_old_everybody_is_asked_to_come_back(scene: Scene):
    now = datetime.now(UTC)
    async with scene.opened():
        shown = gp_operator(scene)
        late = "451 4.7.1 MSSante white list missing or too old here, try again later"
        assert await scene.hand_in(shown) == late
        scene.list(made=now - timedelta(days=31))
        assert [await scene.hand_in(shown), await scene.hand_in(shown, "")] == [late, late]
        scene.list(made=now - timedelta(days=29))
        assert (await scene.hand_in(shown)).startswith("250 ")


async def test_a_list_that_was_not_confirmed_for_a_day_refuses_nobody_for_ever(scene: Scene):
    """Who joined since is not in it: his server comes back, and hears yes once the list was fetched."""
    then = datetime.now(UTC) - timedelta(hours=25)
    without = {"autre.test": OTHER_OPERATOR}
    scene.list(without, made=then, seen=then)
    async with scene.opened():
        shown = gp_operator(scene)
        assert (await scene.hand_in(shown)).startswith("451 4.7.1 No operator has this certificate in ")
        scene.list(without, made=then)
        assert (await scene.hand_in(shown)).startswith("550 5.7.1 No operator has this certificate in ")


async def test_an_operator_that_leaves_is_refused_from_its_next_letter_on_without_a_restart(scene: Scene):
    scene.list()
    async with scene.opened():
        shown = gp_operator(scene)
        client = Speaker(*await asyncio.open_connection("127.0.0.1", scene.port))
        await client.reply()
        await client.ask("EHLO mss.test")
        await client.starttls(scene.space.client_tls(shown))
        await client.ask("EHLO mss.test")
        assert (await client.letter(report(DOCTOR), OURS, sender=DOCTOR)).startswith("250 ")
        scene.list({"autre.test": OTHER_OPERATOR})
        assert (await client.ask(f"MAIL FROM:<{DOCTOR}>")).startswith("550 5.7.1 ")  # the same connection
        await client.close()
        assert (await scene.hand_in(shown)).startswith("550 ")
        scene.list()
        assert (await scene.hand_in(shown)).startswith("250 ")


async def test_nobody_logs_in_there_and_nothing_is_said_before_tls(scene: Scene):
    scene.list()
    async with scene.opened():
        client = Speaker(*await asyncio.open_connection("127.0.0.1", scene.port))
        await client.reply()
        assert "AUTH" not in await client.ask("EHLO mss.test")
        assert (await client.ask(f"MAIL FROM:<{DOCTOR}>")).startswith("530 5.7.0 ")
        await client.starttls(scene.space.client_tls(gp_operator(scene)))
        assert "AUTH" not in await client.ask("EHLO mss.test")
        assert (await client.ask("AUTH PLAIN AGRwaQB4")).startswith("503 ")
        await client.close()


async def test_without_a_mail_server_behind_only_receipts_to_our_return_path_are_taken(scene: Scene):
    scene.list()
    async with scene.opened():
        shown = gp_operator(scene)
        assert (await scene.hand_in(shown, to="dr@autre.test")).startswith("550 5.7.1 Relaying not allowed")
        assert (await scene.hand_in(shown, to="autre@hospital.test")).startswith("550 5.7.1 Relaying not allowed")
        answer = b"From: dr@gp.test\r\nSubject: Re: lettre\r\n\r\nMerci.\r\n"
        refused = await scene.hand_in(shown, content=answer)
        assert refused == "550 5.7.1 Only receipts are taken at this address; write to the letter's Reply-To"
        assert (await scene.hand_in(shown, to=OURS.upper())).startswith("250 ")


@pytest.mark.parametrize("missing", ["client_ca", "client_crl", "certificate"])
async def test_the_door_does_not_open_without_authority_or_revocation(scene: Scene, missing: str):
    path = scene.folder / "huitaine.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    section = lines.index("[operators]")
    path.write_text("\n".join([*lines[:section], *(x for x in lines[section:] if not x.startswith(f"{missing} "))]))
    with pytest.raises(SettingsRefused):
        async with scene.opened():
            pass


@pytest.mark.parametrize("more", ['domains = ["hospital.test"]\n', '[operators.mail_server]\nhost = "localhost"\n'])
async def test_domains_and_the_server_that_has_them_go_together(scene: Scene, more: str):
    path = scene.folder / "huitaine.toml"
    path.write_text(path.read_text(encoding="utf-8") + more)
    with pytest.raises(SettingsRefused):
        async with scene.opened():
            pass


async def test_a_receipt_that_cannot_be_recorded_now_is_not_taken_and_taken_when_it_comes_again(scene: Scene):
    """A report may be faster than our own commit that the hop said yes."""
    scene.list()
    async with scene.opened():
        shown = gp_operator(scene)
        for fault, answer in ((AttemptUnderWay("dsn"), "451 4.3.0 Attempt"), (OSError("disk"), "451 4.3.0 Internal")):
            scene.fault = fault
            assert (await scene.hand_in(shown, "")).startswith(answer)
        scene.fault = None
        assert (await scene.hand_in(shown, "")).startswith("250 ")
    assert len(scene.heard) == 1
