"""Test and production never mix: neither identities, nor messages, nor the mailboxes that letters reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import add_certificate, add_entry
from gateway.crypto.authority import TestAuthority
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
REAL = "1.2.250.1.213.1.4.8"
ELSEWHERE, ELSEWHERE_RPPS = "docteur@elsewhere.test", "99900000037"


def lab(control: str, *, processing: str = "T", world: str = letters.INS_TEST) -> bytes:
    """A lab result for the GP; the person is invented, the number is the national example."""
    message = letters.oru(control, NOW).replace(letters.SECOND_GP.encode(), letters.GP.encode())
    return message.replace(b"|T|2.5|", f"|{processing}|2.5|".encode()).replace(
        letters.INS_TEST.encode(), world.encode()
    )


def attached(message: bytes) -> bytes:
    """The same message in a mail of the laboratory."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "labo@hospital.test", "gp@gp.test"
    mail["Message-ID"] = "<mode@hospital.test>"
    mail.set_content("Résultats en pièce jointe.\n")
    mail.add_attachment(message, maintype="application", subtype="hl7-v2", filename="resultat.hl7")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def know_a_doctor_elsewhere(folder: Path) -> None:
    """He has a mailbox and a key; only his domain is not one for tests."""
    add_entry(folder / "data", ELSEWHERE_RPPS, ELSEWHERE)
    certificate = TestAuthority.create("GP authority").issue(address=ELSEWHERE).certificate
    add_certificate(folder / "data", ELSEWHERE, certificate.public_bytes(Encoding.DER))


@pytest.fixture
async def testing(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """``gateway.mode = "test"``, with a GP whose domain is no test domain."""
    async with hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, learn=know_a_doctor_elsewhere
    ) as alive:
        yield alive


def in_production(*, test_domains: str) -> tuple[tuple[str, str], ...]:
    return (
        ('mode = "test"', 'mode = "production"'),
        ('test_domains = ["hospital.test", "gp.test"]', f"test_domains = [{test_domains}]"),
    )


def changed(text: str, replacements: tuple[tuple[str, str], ...]) -> str:
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    # The white list is the trust space's own affair: tests/unit/addressing.
    return text + "\n[directory]\nwhite_list_required = false\n"


@pytest.fixture
async def production(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """``gateway.mode = "production"``; the GP's domain stands for a real one."""
    async with hospital(
        tmp_path,
        postfix,
        dovecot,
        gp=mailbox,
        sender=hospital_mailbox,
        change=lambda text: changed(text, in_production(test_domains="")),
    ) as alive:
        yield alive


@pytest.mark.parametrize("processing", ["T", "D", "P"])
async def test_in_test_a_test_patients_result_is_taken_whatever_msh_11_says(testing: Hospital, processing: str):
    message = lab("M1", processing=processing)
    assert "MSA|AA|M1" in await testing.hl7(message)
    assert files_of(testing.gp.open_with_openssl(await testing.letter_in_mailbox()))["hl7"] == message


async def test_in_test_a_real_identity_is_refused_with_the_field_to_correct(testing: Hospital):
    answer = await testing.hl7(lab("M2", world=REAL))
    assert "MSA|AE|M2" in answer
    assert "ERR||PID^1^3|" in answer
    assert "wrong-world-identity" in answer
    assert not testing.deliveries()


@pytest.mark.parametrize("to", [ELSEWHERE, f"{ELSEWHERE_RPPS}@rpps.hospital.test"], ids=["by mailbox", "by RPPS"])
async def test_in_test_no_letter_leaves_for_a_domain_that_is_not_for_tests(
    testing: Hospital, postfix: Postfix, to: str
):
    await testing.mail(letters.hprim_mail(letters.hprim_lab(NOW)), to)
    await until(lambda: [row["state"] for row in testing.deliveries()] == ["held"])
    assert testing.deliveries()[0]["reason"] == "not-a-test-domain"
    # The control: a letter that came later has left.
    await testing.mail(letters.secretary("dpi@hospital.test", letters.pdf("C", "c")), testing.gp.mailbox)
    await testing.letter_in_mailbox()
    assert "elsewhere.test" not in postfix.log


async def test_in_production_a_real_patients_result_reaches_the_gp(production: Hospital):
    message = lab("P1", processing="P", world=REAL)
    assert "MSA|AA|P1" in await production.hl7(message)
    assert files_of(production.gp.open_with_openssl(await production.letter_in_mailbox()))["hl7"] == message


@pytest.mark.parametrize("processing", ["T", "D"])
async def test_in_production_a_message_marked_as_a_test_is_refused(production: Hospital, processing: str):
    answer = await production.hl7(lab("P2", processing=processing, world=REAL))
    assert "MSA|AE|P2" in answer
    assert "ERR||MSH^1^11|202^" in answer
    assert "test-message" in answer
    assert not production.deliveries()


async def test_in_production_a_test_identity_is_refused(production: Hospital):
    answer = await production.hl7(lab("P3", processing="P"))
    assert "MSA|AE|P3" in answer
    assert "ERR||PID^1^3|" in answer
    assert "wrong-world-identity" in answer
    assert not production.deliveries()


async def test_in_production_a_test_admission_starts_no_clock(production: Hospital):
    for processing in ("T", "P"):
        answer = await production.hl7(
            letters.adt("A03", f"A{processing}", NOW - DAY, NOW - 5 * DAY, NOW - DAY).replace(
                b"|T|2.5^FRA", f"|{processing}|2.5^FRA".encode()
            )
        )
        assert f"MSA|AE|A{processing}" in answer  # P still names the test identity
    assert production.report().total.stays == 0


async def test_in_production_a_test_identity_that_came_by_mail_is_held_and_never_sent(production: Hospital):
    await production.mail(
        attached(lab("P4", processing="P")), f"{letters.GP}@rpps.hospital.test", sender="labo@hospital.test"
    )
    await until(lambda: [row["state"] for row in production.deliveries()] == ["held"])
    assert production.deliveries()[0]["reason"] == "wrong-world-identity"
    assert not production.dovecot.mails(production.gp.mailbox)


async def test_in_production_no_letter_leaves_for_a_test_domain(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    async with hospital(
        tmp_path,
        postfix,
        dovecot,
        gp=mailbox,
        sender=hospital_mailbox,
        change=lambda text: changed(text, in_production(test_domains='"gp.test"')),
    ) as alive:
        assert "MSA|AA|P5" in await alive.hl7(lab("P5", processing="P", world=REAL))
        await until(lambda: [row["state"] for row in alive.deliveries()] == ["held"])
        assert alive.deliveries()[0]["reason"] == "test-domain"
        assert not dovecot.mails(mailbox)
