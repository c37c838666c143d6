"""The IMAP door: what a secretary sends to the hospital's mailbox reaches the GP, and she hears of what cannot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from pathlib import Path

import pytest

from demo import letters
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
TO_THE_GP = f"{letters.GP}@rpps.hospital.test"


@dataclass(slots=True, kw_only=True)
class Office:
    """A secretary with her own mailbox, and the hospital's mailbox that the gateway empties."""

    ward: Hospital
    watched: str
    secretary: str

    def writes(self, *, to: str, name: str, content: bytes, **headers: str) -> bytes:
        """One mail of hers with one attachment, with CRLF."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Cc"] = self.secretary, to, self.watched
        mail["Message-ID"] = f"<{name}@hospital.test>"
        for field, value in headers.items():
            mail[field.replace("_", "-")] = value
        mail.set_content("Bonjour,\n\nVeuillez trouver le courrier ci-joint.\n\nLe secrétariat\n")
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def sends(self, mail: bytes, *, sender: str | None = None) -> None:
        """It arrives in the watched mailbox as every mail does, by Dovecot's LMTP."""
        self.ward.dovecot.deliver(self.watched, mail, self.secretary if sender is None else sender)

    async def is_sorted(self, folder: str) -> bytes:
        """The mail once it lies in that folder and no longer in the INBOX."""
        mail = await self.ward.letter_in_mailbox(self.watched, folder=folder)
        await until(lambda: not self.ward.dovecot.mails(self.watched))
        return mail


@pytest.fixture
async def office(
    tmp_path: Path,
    postfix: Postfix,
    dovecot: Dovecot,
    mailbox: str,
    hospital_mailbox: str,
    another_mailbox: Callable[[], str],
) -> AsyncIterator[Office]:
    """A hospital whose gateway also watches a mailbox."""
    watched, secretary = another_mailbox(), another_mailbox()
    section = (
        f'\n[imap]\nhost = "localhost"\nport = {dovecot.imaps_port}\nuser = "{watched}"\n'
        f'ca = "{dovecot.authority.roots}"\npoll_seconds = 1.0\n'
    )
    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=lambda text: text + section
    ) as ward:
        yield Office(ward=ward, watched=watched, secretary=secretary)


def readable(mail: Message) -> str:
    """Every text in the mail without its transfer encoding."""
    return "".join((part.get_payload(decode=True) or b"").decode() for part in mail.walk())


async def test_a_secretarys_mail_with_a_pdf_is_opened_by_the_gp_and_moved_to_taken(office: Office):
    pdf = letters.pdf("Consultation", "Évolution favorable.")
    office.sends(office.writes(to=TO_THE_GP, name="consultation.pdf", content=pdf))
    found = files_of(office.ward.gp.open_with_openssl(await office.ward.letter_in_mailbox()))
    assert found["pdf"] == pdf
    assert "Veuillez trouver le courrier" in found["text"].decode()
    assert b"consultation.pdf" in await office.is_sorted("Taken")


async def test_an_hprim_file_in_a_secretarys_mail_keeps_its_bytes(office: Office):
    record = letters.hprim_lab(NOW)
    office.sends(office.writes(to=TO_THE_GP, name="26D0012345.hpr", content=record))
    found = files_of(office.ward.gp.open_with_openssl(await office.ward.letter_in_mailbox()))
    assert found["hpr"] == record
    await office.is_sorted("Taken")


async def test_a_broken_file_goes_to_refused_and_the_secretary_is_told_why_without_a_name(office: Office):
    broken = letters.hprim_lab(NOW).replace(b"RES|", b"ZZZ|").split(b"LABESSAI")[0]
    office.sends(office.writes(to=TO_THE_GP, name="26D0012345.hpr", content=broken, Subject="Résultats de Mme TESTINI"))
    await office.is_sorted("Refused")
    told = await office.ward.letter_in_mailbox(office.secretary)
    report = message_from_bytes(told)
    assert report.get_content_type() == "multipart/report"
    status = next(part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    fields = status.get_payload()[1]
    assert (fields["Action"], fields["Status"][:1]) == ("failed", "5")
    assert fields["Final-Recipient"] == f"rfc822;{TO_THE_GP}"
    assert b"26D0012345.hpr@hospital.test" in told  # the Message-ID of her own mail
    assert b"TESTINI" not in told
    assert "TESTINI" not in readable(report)
    assert "hprim-header-short: part 1.2: line 1" in readable(report)
    assert "moins de douze lignes" in readable(report)
    assert not office.ward.dovecot.mails(office.ward.gp.mailbox)


async def test_an_addressee_who_cannot_be_read_is_refused_and_the_secretary_is_told(office: Office):
    mail = office.writes(to=TO_THE_GP, name="a.pdf", content=letters.pdf("A", "a"))
    office.sends(mail.replace(b"To: " + TO_THE_GP.encode(), b"To: Docteur Exemple"))
    await office.is_sorted("Refused")
    assert b"5.1.3" in await office.ward.letter_in_mailbox(office.secretary)


async def test_an_automatic_answer_is_refused_and_nobody_answers_it(office: Office):
    pdf = letters.pdf("A", "a")
    office.sends(office.writes(to=TO_THE_GP, name="a.pdf", content=pdf, Auto_Submitted="auto-replied"))
    office.sends(office.writes(to=TO_THE_GP, name="b.pdf", content=pdf), sender="")
    await office.ward.letter_in_mailbox(office.watched, folder="Refused", number=1)
    # The control: what is told comes after what is not.
    office.sends(office.writes(to=TO_THE_GP, name="c.hpr", content=b"NOTHING\r\n" * 3))
    await office.ward.letter_in_mailbox(office.secretary)
    assert len(office.ward.dovecot.mails(office.secretary)) == 1


async def test_a_stranger_who_writes_to_the_mailbox_gets_no_signature_of_the_hospital_and_no_answer(office: Office):
    stranger = office.ward.gp.mailbox
    theirs = office.writes(to=TO_THE_GP, name="a.pdf", content=letters.pdf("A", "a"))
    office.sends(theirs.replace(office.secretary.encode(), stranger.encode()), sender=stranger)
    office.sends(office.writes(to=TO_THE_GP, name="b.pdf", content=letters.pdf("B", "b")), sender=stranger)
    await office.ward.letter_in_mailbox(office.watched, folder="Refused", number=1)
    # The control: the secretary's own leaves, and it is all that lies in the stranger's mailbox.
    own = letters.pdf("C", "c")
    office.sends(office.writes(to=TO_THE_GP, name="c.pdf", content=own))
    await office.is_sorted("Taken")
    assert files_of(office.ward.gp.open_with_openssl(await office.ward.letter_in_mailbox()))["pdf"] == own
    assert len(office.ward.dovecot.mails(stranger)) == 1


async def test_the_same_mail_put_back_by_hand_leaves_once(office: Office):
    mail = office.writes(to=TO_THE_GP, name="consultation.pdf", content=letters.pdf("C", "c"))
    office.sends(mail)
    taken = await office.is_sorted("Taken")
    await office.ward.letter_in_mailbox()
    client = office.ward.dovecot.open_mailbox(office.watched)
    client.append("INBOX", "", "", taken)
    client.logout()
    await office.ward.letter_in_mailbox(office.watched, folder="Taken", number=1)
    assert len(office.ward.deliveries()) == 1
    assert len(office.ward.dovecot.mails(office.ward.gp.mailbox)) == 1
