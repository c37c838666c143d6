"""Other operators' servers bring receipts and answers to us: a real Postfix with a certificate of the trust space."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import aiosmtplib
import pytest

from demo import letters
from gateway.letter import Proof
from tests.faults.client_certificates import Client
from tests.journeys.kit import Hospital, hospital, until
from tests.journeys.test_receipts_come_back import NOW, mdn, proofs
from tests.peers.authority import Authority
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN
from tests.peers.postfix import Chain, Postfix, running_postfix
from tests.peers.trust_space import GP_OPERATOR, OTHER_OPERATOR, TrustSpace, list_domains
from tests.unit.smtp.smtp_door_kit import Client as Speaker

pytestmark = [pytest.mark.peer, pytest.mark.root]


@dataclass(slots=True, kw_only=True)
class Story:
    """A hospital that is an operator itself, and the trust space around it."""

    ward: Hospital
    space: TrustSpace
    authority: Authority

    def list(self, domains: dict[str, str]) -> None:
        list_domains(self.ward.folder / "data", domains)

    @contextlib.contextmanager
    def operator(self, shown: Client) -> Iterator[Postfix]:
        """A Postfix that hands everything to our door and shows this certificate there."""
        settings = {
            "smtp_tls_security_level": "secure",
            "smtp_tls_secure_cert_match": "localhost",
            "smtp_tls_CAfile": str(self.space.server_roots),
            "smtp_tls_cert_file": str(shown.pem),
            "smtp_tls_key_file": str(shown.pem),
            "smtp_tls_loglevel": "1",
        }
        door = f"[127.0.0.1]:{self.ward.running.entrances.ports['operators']}"
        with running_postfix(self.authority, Chain(relay=door, settings=settings)) as server:
            yield server

    async def bring(self, shown: Client, content: bytes) -> str:
        """What our door says to a report to our return path."""
        speaker = Speaker(*await asyncio.open_connection("127.0.0.1", self.ward.running.entrances.ports["operators"]))
        await speaker.reply()
        await speaker.ask("EHLO mss.test")
        await speaker.starttls(self.space.client_tls(shown))
        await speaker.ask("EHLO mss.test")
        said = await speaker.letter(content, self.ward.sender, sender="")
        await speaker.close()
        return said


async def post(server: Postfix, content: bytes, to: str, *, sender: str, **options: list[str]) -> None:
    """Into the operator's own queue, as its users do."""
    async with aiosmtplib.SMTP(hostname=server.host, port=server.port, start_tls=False) as client:
        await client.sendmail(sender, [to], content, **options)  # type: ignore[arg-type]


@pytest.fixture
async def story(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str, authority: Authority
) -> AsyncIterator[Story]:
    """Receipts come in by the door alone: no mailbox is watched for them."""
    space = TrustSpace.make(tmp_path / "space")

    def change(text: str) -> str:
        text, _, _ = text.partition("\n[receipts]\n")
        server = f'host = "localhost"\nport = {postfix.port}\nca = "{authority.roots}"\n'
        return f'{text}{space.settings()}domains = ["{HOSPITAL_DOMAIN}"]\n[operators.mail_server]\n{server}'

    async with hospital(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=change) as ward:
        yield Story(ward=ward, space=space, authority=authority)


async def test_a_receipt_and_an_answer_come_in_through_the_gps_operator(
    story: Story, another_mailbox: Callable[[], str]
) -> None:
    ward, people = story.ward, another_mailbox()
    story.list({GP_DOMAIN: GP_OPERATOR, "autre.test": OTHER_OPERATOR})
    await ward.mail(letters.hprim_mail(letters.hprim_lab(NOW)), f"{letters.GP}@rpps.hospital.test")
    letter = message_from_bytes(await ward.letter_in_mailbox())
    gp = ward.gp.mailbox
    forged = mdn(letter, reader=gp).replace(b"From: %s" % gp.encode(), b"From: dr@autre.test")
    assert (await story.bring(story.space.operator("mss.autre.test", "1750000999"), forged)).startswith("250 ")
    assert proofs(ward) == [Proof.ACCEPTED], "another operator proves nothing"
    with story.operator(story.space.operator("mss.gp.test", "1750000000")) as server:
        await post(server, mdn(letter, reader=gp), ward.sender, sender="")
        await until(lambda: proofs(ward) == [Proof.DISPLAYED])
        answer = f"From: {gp}\r\nTo: {people}\r\nSubject: Merci\r\n\r\nBien re=C3=A7u.\r\n".encode()
        await post(server, answer, people, sender=gp, rcpt_options=["NOTIFY=SUCCESS"])
        arrived = message_from_bytes(await ward.letter_in_mailbox(people))
        assert (arrived["Subject"], arrived["X-Huitaine-Gateway"]) == ("Merci", HOSPITAL_DOMAIN)
        confirmed = await ward.letter_in_mailbox(number=1)
        assert b"report-type=delivery-status" in confirmed
        assert "Verified TLS connection established" in server.log
    read_by_people = ward.dovecot.mails(ward.sender)
    [seen] = [mail for mail in read_by_people if b"report-type=disposition-notification" in mail]
    assert b"From: dr@autre.test" in seen, "what proved nothing"


async def test_an_operator_that_left_the_list_or_writes_for_another_domain_is_told_so(
    story: Story, another_mailbox: Callable[[], str]
) -> None:
    ward, people = story.ward, another_mailbox()
    story.list({"gone.test": OTHER_OPERATOR, GP_DOMAIN: OTHER_OPERATOR, "mine.test": GP_OPERATOR})
    with story.operator(story.space.operator("mss.gp.test", "1750000000")) as server:
        await post(server, b"From: dr@gp.test\r\n\r\nFaux.\r\n", people, sender="dr@gp.test")
        await until(lambda: "Sender's domain is not this operator's in the MSSante white list" in server.log)
        await post(server, b"From: dr@mine.test\r\n\r\nVrai.\r\n", people, sender="dr@mine.test")
        assert b"Vrai." in await ward.letter_in_mailbox(people)
        story.list({GP_DOMAIN: OTHER_OPERATOR})
        await post(server, b"From: dr@mine.test\r\n\r\nTrop tard.\r\n", people, sender="dr@mine.test")
        await until(lambda: "No operator has this certificate in the MSSante white list" in server.log)
    assert len(ward.dovecot.mails(people)) == 1
