"""The GP's own software says that it filed the letter, or that it could not: what is believed of that, and what not."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage, Message

import pytest

from gateway.delays.figures import LegName
from gateway.letter import Proof
from tests.journeys.kit import Hospital, until
from tests.journeys.test_receipts_come_back import bounce, comes_back, discharged, mdn, proofs, unmatched
from tests.journeys.test_told_back_to_the_hospital import Opening, discharge_letter, opening

__all__ = ["opening"]
pytestmark = [pytest.mark.peer, pytest.mark.root]
_OF_HIS_SOFTWARE = {"not-integrated", "processed", "integrated"}


def answer(letter: Message, code: str, *, sender: str, about: str = "DOC1", error: str = "") -> bytes:
    """The HL7 acknowledgement of a practice's software, attached to a mail that answers ``letter``."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, letter["Disposition-Notification-To"], "Réponse du logiciel"
    mail["In-Reply-To"] = letter["Message-ID"]
    mail.set_content(f"Réponse {code} à {about}.\n")
    segments = [r"MSH|^~\&|LPS|CABINET|GW|CH|20260115103112||ACK^T02^ACK|R1|P|2.6", f"MSA|{code}|{about}"]
    segments += [f"ERR||PID^1^3|207^Application error|E|{error}"] if error else []
    hl7 = "".join(f"{segment}\r" for segment in segments).encode()
    mail.add_attachment(hl7, maintype="application", subtype="hl7-v2", filename="reponse.hl7")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def of_the_volet(letter: Message, *, sender: str, subject: str, disposition: str) -> bytes:
    """The MDN that CI-SIS has a receiving gateway make of its software's acknowledgement, the mail behind it."""
    report = mdn(letter, reader=sender, disposition=disposition)
    whole = letter.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    report = report.replace(b"manual-action/MDN-sent-manually", b"automatic-action/MDN-sent-automatically")
    report = report.replace(b"Subject: Read\r\n", f"Subject: {subject}\r\n".encode())
    return report.replace(
        b"\r\n--b--\r\n", b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + whole + b"\r\n--b--\r\n"
    )


def in_an_ordinary_mail(letter: Message, *, sender: str, subject: str) -> bytes:
    """The same refusal where no MDN may be sent (IG-LPS, courriel standard)."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, letter["Disposition-Notification-To"], subject
    mail.set_content("Le document n'a pas pu être intégré.\n")
    original = EmailMessage()
    original["Message-ID"] = letter["Message-ID"]
    original.set_content("x\n")
    mail.add_attachment(original)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def told(ward: Hospital, *codes: str) -> list[tuple[str, str]]:
    """What the journal says of receipts, in order."""
    receipts = [row for row in ward.journal() if row["kind"] == "receipt"]
    return [(row["code"], row["words"]) for row in receipts if row["code"].startswith(codes)]


async def test_his_software_refuses_the_letter_then_files_it_and_each_answer_counts_for_what_it_says(ward: Hospital):
    letter = await discharged(ward, ward.gp.mailbox)
    gp = ward.gp.mailbox
    await comes_back(ward, answer(letter, "AA", sender="somebody.else@gp.test"))
    await comes_back(ward, answer(letter, "AA", sender=gp, about="DOC2"))
    assert [code.split()[1] for code in unmatched(ward)] == ["other-addressee", "other-control-id"]
    assert proofs(ward) == [Proof.ACCEPTED]
    await comes_back(ward, answer(letter, "AE", sender=gp, error="902^Identifiant de patient inconnu"))
    assert proofs(ward) == [Proof.DELIVERED], "it lay in his mailbox, and no more is known"
    await comes_back(ward, mdn(letter, reader=gp))
    await comes_back(ward, answer(letter, "AA", sender=gp))
    assert proofs(ward) == [Proof.INTEGRATED]
    assert ward.report().total.legs[LegName.READ_TO_INTEGRATED].median_seconds is not None
    await comes_back(ward, answer(letter, "AA", sender=gp))
    await comes_back(ward, mdn(letter, reader=gp))
    await comes_back(ward, bounce(letter, addressee=gp))
    await comes_back(ward, answer(letter, "AR", sender=gp))
    assert proofs(ward) == [Proof.INTEGRATED]
    assert told(ward, "hl7 ", "mdn ", "dsn failed") == [
        ("hl7 not-integrated", "not-integrated 902"),
        ("mdn displayed", "raised"),
        ("hl7 integrated", "raised"),
        ("hl7 integrated", "double"),
        ("mdn displayed", "late"),
        ("dsn failed", "contradiction"),
        ("hl7 not-integrated", "contradiction"),
    ]


async def test_the_receiving_gateway_says_no_then_filed_and_the_hospital_hears_each_of_them_once(opening: Opening):
    async with opening() as there:
        ward, gp, subject = there.ward, there.ward.gp.mailbox, "XDM/1.0/DDM+Lettre de liaison TESTINI AMELIE 28/03/1979"
        await discharge_letter(ward)
        letter = message_from_bytes(await ward.letter_in_mailbox())
        wrong = "processed/Error: 903^INS absent du document^applicationErrorCondition"
        refused = {"subject": f"[KO Integration systeme !][903] {subject}", "disposition": wrong}
        for _ in range(2):
            await comes_back(ward, of_the_volet(letter, sender=gp, **refused))
        await comes_back(ward, in_an_ordinary_mail(letter, sender=gp, subject=refused["subject"]))
        assert proofs(ward) == [Proof.DELIVERED]
        passed_on = of_the_volet(letter, sender=gp, subject=f"Processed: {subject}", disposition="processed")
        await comes_back(ward, passed_on)
        assert proofs(ward) == [Proof.PROCESSED], "a relay that passed it on has filed nothing"
        await comes_back(ward, of_the_volet(letter, sender=gp, subject=subject, disposition="processed"))
        assert proofs(ward) == [Proof.INTEGRATED]
        await until(lambda: "integrated" in [file["event"] for file in there.files()])
        events = [file["event"] for file in there.files()]
        assert [each for each in events if each in _OF_HIS_SOFTWARE] == ["not-integrated", "processed", "integrated"]
        await until(lambda: sum(b"ZAM^Z03" in message for message in there.record.got) == 2)
        no, yes = [message for message in there.record.got if b"ZAM^Z03" in message]
        assert b"|N^^expandedYes-NoIndicator" in no
        assert b"903^INS absent du document^applicationErrorCondition" in no
        assert b"|Y^^expandedYes-NoIndicator" in yes
