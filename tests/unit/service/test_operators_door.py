"""The operators' door as the settings make it: whose certificate may write as whom the white list says, right then."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import load
from directory import Directory
from gateway.errors import SettingsRefused
from gateway.identifiers import new_letter_id
from gateway.letter import Receipt, ReceiptKind
from gateway.moments import utc_now
from gateway.service.operators.door import mail_server, operators_door, ours
from gateway.service.operators.intake import OperatorMail
from gateway.smtp.server import open_smtp_doors
from tests.faults.client_certificates import Client, HospitalAuthority
from tests.journeys.kit import until
from tests.peers.trust_space import GP_OPERATOR, OTHER_OPERATOR, TrustSpace, list_domains
from tests.unit.smtp.smtp_door_kit import QUICK
from tests.unit.smtp.smtp_door_kit import Client as Speaker

LISTED = {"gp.test": GP_OPERATOR, "Cabinet.test": GP_OPERATOR, "autre.test": OTHER_OPERATOR}
OURS = "passerelle@hospital.test"
DOCTOR = "dr@gp.test"


def report(sender: str = "MAILER-DAEMON@mx.gp.test") -> bytes:
    """A failure report about a mail that nobody sent."""
    return (
        f"From: {sender}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        "Final-Recipient: rfc822;x@gp.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <nobody@hospital.test>\r\n\r\n--b--\r\n"
    ).encode()


@dataclass(slots=True)
class Scene:
    """One installation and the trust space around it."""

    folder: Path
    space: TrustSpace
    port: int = 0
    heard: list[Receipt] = field(default_factory=list)

    def list(self, domains: dict[str, str] = LISTED, **dates: datetime) -> None:
        list_domains(self.folder / "data", domains, **dates)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The door alone; receipts are heard by a list."""
        settings = load(self.folder / "huitaine.toml")
        mail = OperatorMail(ours(settings, OURS), self.hear, mail_server(settings))
        book = Directory.open(self.folder / "data")
        wanted = operators_door(settings, book.white_list, mail, limits=QUICK, clock=utc_now)
        assert wanted is not None
        doors = await open_smtp_doors(wanted, mail, utc_now, new_letter_id)
        self.port = doors.ports["operators"]
        try:
            yield
        finally:
            await doors.close()
            book.close()

    async def hear(self, receipts: Sequence[Receipt]) -> None:
        self.heard += receipts

    async def hand_in(
        self, shown: Client | None, sender: str = DOCTOR, *, to: str = OURS, content: bytes | None = None
    ) -> str:
        """The last thing an operator's server heard; empty when TLS did not let it speak."""
        client = Speaker(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            assert (await client.reply()).startswith("220 ")
            await client.ask("EHLO mss.test")
            await client.starttls(self.space.client_tls(shown))
            await client.ask("EHLO mss.test")
            for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"):
                answer = await client.ask(command)
                if answer[:1] not in "23" or not answer:
                    return answer
            await client.send((content or report()) + b".\r\n")
            return await client.reply()
        except (ssl.SSLError, ConnectionError):
            return ""
        finally:
            await client.close()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    space = TrustSpace.make(tmp_path / "space")
    (tmp_path / "huitaine.toml").write_text(f'[gateway]\ndomain = "hospital.test"\n{space.settings()}')
    return Scene(tmp_path, space)


def gp_operator(scene: Scene) -> Client:
    return scene.space.operator("MSS.gp.test", "1750000000")


async def test_an_operator_of_the_list_hands_in_a_receipt_of_its_own_domain(scene: Scene):
    scene.list()
    async with scene.opened():
        for sender in (DOCTOR, "dr@CABINET.test", ""):
            assert (await scene.hand_in(gp_operator(scene), sender)).startswith("250 "), sender
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
        assert (await client.letter(report(), OURS, sender=DOCTOR)).startswith("250 ")
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
