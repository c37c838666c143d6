"""When something is wrong: what each person reads, that no patient is named in it, and that nothing is lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path

import aiosmtplib
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import add_certificate
from gateway.crypto.authority import TestAuthority
from tests.faults.nursery import warm
from tests.journeys.kit import Hospital, Prepared, alive, files_of, hospital, prepare, until
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN
from tests.peers.postfix import Chain, Postfix, running_postfix, silent_postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
NAMES = ("TESTINI", "AMELIE", "279035121518989", "278029999912310", "DUPONT")
UNKNOWN = "99900000094"
_numbers = count(700)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders are told at once instead of every five seconds."""
    monkeypatch.setattr("gateway.service.running.TELL", 0.2)


@pytest.fixture
def secretary() -> str:
    """Somebody of the hospital who writes letters and reads what comes back."""
    return f"service{next(_numbers)}@{HOSPITAL_DOMAIN}"


def lab() -> bytes:
    return letters.hprim_mail(letters.hprim_lab(NOW))


def names_nobody(text: str) -> bool:
    return not any(name in text for name in NAMES)


def report_of(content: bytes) -> tuple[EmailMessage, str, EmailMessage]:
    """A DSN: the whole, the words for people, the block about the addressee."""
    report = message_from_bytes(content, policy=policy.default)
    assert report.get_content_type() == "multipart/report"
    words, status, _ = report.iter_parts()
    return report, words.get_content(), status.get_payload()[1]


async def told(ward: Hospital, person: str, *, number: int = 0) -> tuple[EmailMessage, str, EmailMessage]:
    """What lies in the person's mailbox; it names no patient."""
    content = await ward.letter_in_mailbox(person, number=number)
    assert names_nobody(content.decode("latin-1"))
    report, words, block = report_of(content)
    assert names_nobody(words)
    return report, words, block


def huitaine(folder: Path, *arguments: str, lang: str = "en_GB.UTF-8") -> subprocess.CompletedProcess[str]:
    """The command as a person types it in the installation's folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUITAINE", "LC_", "COLUMNS"))}
    return warm().typed(arguments, {**kept, "LANG": lang}, folder, seconds=60)


async def typed(ward: Hospital, *arguments: str, lang: str = "en_GB.UTF-8") -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(huitaine, ward.folder, *arguments, lang=lang)


# the sender's own mistakes ---------------------------------------------------------------------------------------


async def test_a_wrong_password_is_refused_with_535_and_the_right_one_still_works(ward: Hospital):
    right, ward.password = ward.password, "not this one"
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refused:
        await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test")
    assert refused.value.code == 535
    assert refused.value.message.startswith("5.7.8 ")
    assert ward.deliveries() == []
    ward.password = right
    await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test")
    await ward.letter_in_mailbox()


async def test_a_sender_that_the_login_may_not_use_is_refused_with_553(ward: Hospital):
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test", sender="direction@autre-hopital.test")
    assert refused.value.code == 553
    assert refused.value.message.startswith("5.7.1 ")
    assert "autre-hopital" not in refused.value.message
    assert ward.deliveries() == []


async def test_a_truncated_hl7_message_gets_ae_with_the_segment_and_field_to_correct(ward: Hospital):
    whole = letters.mdm("DOC9", NOW, NOW - 5 * DAY, NOW - DAY, letters.pdf("L", "x"))
    answer = await ward.hl7(whole[: whole.index(b"OBX|1|ED") + 800])
    segments = {line.split("|")[0]: line.split("|") for line in answer.strip("\x0b\x1c\r").split("\r")}
    assert segments["MSA"][1:3] == ["AE", "DOC9"]
    assert segments["ERR"][2].split("^")[:3] == ["OBX", "1", "5"]
    assert segments["ERR"][4] == "E"
    assert "base64" in answer
    assert names_nobody(answer)
    assert ward.deliveries() == []
    assert "MSA|AA|DOC9" in await ward.hl7(whole.replace(letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode()))
    await ward.letter_in_mailbox()


async def test_a_pdf_named_hpr_is_put_to_refused_with_the_reason_in_both_languages(ward: Hospital):
    pdf = letters.pdf("Lettre", "Patiente TESTINI AMELIE")
    (ward.folder / "drop" / "bilan.hpr").write_bytes(pdf)
    refused = ward.folder / "drop" / "refused"
    # the file follows its reason
    await until(lambda: refused.is_dir() and any(path.suffix == ".hpr" for path in refused.iterdir()))
    reason = next(refused.glob("*.reason.txt")).read_text(encoding="utf-8-sig")
    assert "Fichier refusé par Huitaine" in reason
    assert "le contenu n'est pas ce que dit le nom du fichier : l'exporter dans le bon format" in reason
    assert "File refused by Huitaine" in reason
    assert "not-what-it-is-called" in reason
    assert names_nobody(reason)
    kept = next(path for path in refused.iterdir() if not path.name.endswith(".reason.txt"))
    assert kept.read_bytes() == pdf
    assert ward.deliveries() == []


# addressees who cannot be written to -----------------------------------------------------------------------------


async def test_a_number_that_nobody_has_is_held_and_the_sender_reads_why(ward: Hospital, secretary: str):
    answer = await ward.mail(lab(), f"{UNKNOWN}@rpps.hospital.test", sender=secretary)
    assert "Queued as" in answer
    _, words, block = await told(ward, secretary)
    assert (block["Action"], block["Final-Recipient"]) == ("delayed", f"rfc822;{UNKNOWN}@rpps.hospital.test")
    assert "unknown-number" in words
    assert "l'annuaire ne connaît pas ce numéro" in words
    assert "the directory does not know this number" in words
    assert "rien à faire" not in words
    (row,) = ward.deliveries()
    assert (row["state"], row["reason"]) == ("held", "unknown-number")
    traced = await typed(ward, "letters", "trace", row["letter_id"], lang="fr_FR.UTF-8")
    assert "unknown-number" in traced.stdout
    assert "l'annuaire ne connaît pas ce numéro" in " ".join(traced.stdout.split())
    assert names_nobody(traced.stdout)


async def test_once_the_directory_knows_the_number_a_release_sends_the_letter(ward: Hospital, secretary: str):
    await ward.mail(lab(), f"{UNKNOWN}@rpps.hospital.test", sender=secretary)
    await until(lambda: [row["state"] for row in ward.deliveries()] == ["held"])
    extraction = ward.folder / "Extraction_Correspondance_MSSante_202601160300.txt"
    known = letters.directory().replace(letters.GP_MAILBOX, ward.gp.mailbox).replace(letters.GP, UNKNOWN)
    extraction.write_text(known, encoding="utf-8")
    imported = await typed(ward, "directory", "import", str(extraction), "--yes")
    assert imported.returncode == 0, imported.stderr
    released = await typed(ward, "letters", "release", ward.deliveries()[0]["letter_id"])
    assert (released.returncode, released.stdout) == (0, "1 delivery\n"), released.stderr
    found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert found["hpr"] == letters.hprim_lab(NOW)


async def test_an_expired_certificate_holds_the_letter_and_the_sender_is_told(ward: Hospital, secretary: str):
    expired = TestAuthority.create("Old", at=NOW - 900 * DAY).issue(
        address=letters.SECOND_MAILBOX, not_before=NOW - 800 * DAY, not_after=NOW - DAY
    )
    add_certificate(ward.folder / "data", letters.SECOND_MAILBOX, expired.certificate.public_bytes(Encoding.DER))
    await ward.mail(lab(), f"{letters.SECOND_GP}@rpps.hospital.test", sender=secretary)
    _, words, block = await told(ward, secretary)
    assert block["Action"] == "delayed"
    assert "certificate-expired" in words
    assert "a expiré" in words
    assert "has expired" in words
    assert [(row["state"], row["reason"]) for row in ward.deliveries()] == [("held", "certificate-expired")]


async def test_a_mail_that_cannot_be_read_is_kept_and_its_sender_reads_what_is_wrong(ward: Hospital, secretary: str):
    broken = letters.hprim_lab(NOW).replace(b"****FIN****\r\n****FINFICHIER****\r\n", b"")
    await ward.mail(letters.hprim_mail(broken), f"{letters.GP}@rpps.hospital.test", sender=secretary)
    _, words, _ = await told(ward, secretary)
    (row,) = ward.deliveries()
    assert row["state"] == "held"
    assert row["reason"] in words
    assert "****FIN****" in words


# the other side --------------------------------------------------------------------------------------------------


async def test_while_the_operator_is_down_letters_wait_and_arrive_when_it_is_back(
    tmp_path: Path, authority, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    chain = Chain(mailboxes={GP_DOMAIN: dovecot.lmtp_port, HOSPITAL_DOMAIN: dovecot.lmtp_port})
    gone = silent_postfix(authority)
    made = prepare(tmp_path, gone, dovecot, gp=mailbox, sender=hospital_mailbox)
    async with alive(made, dovecot, hospital_mailbox) as ward:
        assert "Queued as" in await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test")
        await until(lambda: [(row["state"], row["status"]) for row in ward.deliveries()] == [("ready", "4.4.1")])
        (row,) = ward.deliveries()
        listed = await typed(ward, "queue", "status")
        assert "ready" in listed.stdout or "leased" in listed.stdout, "or it is just being tried"
        trace = await typed(ward, "letters", "trace", row["letter_id"])
        assert "deferred" in trace.stdout
        assert "4.4.1" in trace.stdout
        with running_postfix(authority, chain, ports=(gone.port, gone.tls_port)):
            found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
            assert found["hpr"] == letters.hprim_lab(NOW)
            await until(lambda: ward.deliveries()[0]["state"] == "done")
    assert len(dovecot.mails(mailbox)) == 1


async def test_a_full_mailbox_comes_back_as_a_failure_and_the_sender_is_told(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str, secretary: str
):
    full = dovecot.add_user(f"plein{next(_numbers)}@{GP_DOMAIN}", quota_bytes=2000)
    async with hospital(tmp_path, postfix, dovecot, gp=full, sender=hospital_mailbox) as ward:
        await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test", sender=secretary)
        report, words, block = await told(ward, secretary)
        assert "Lettre non remise" in str(report["Subject"])
        assert block["Action"] == "failed"
        assert block["Status"] == "5.2.2"
        assert "la boîte aux lettres est pleine" in words
        assert "the mailbox is full" in words
        (row,) = ward.deliveries()
        assert (row["state"], row["status"]) == ("failed", "5.2.2")


# our own side ----------------------------------------------------------------------------------------------------


async def test_a_disk_that_is_low_is_a_452_and_nothing_is_taken(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    def low(text: str) -> str:
        return text.replace("min_free_share = 0.0", "min_free_share = 1.0")

    async with hospital(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=low) as ward:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test")
        assert refused.value.code == 452
        assert refused.value.message.startswith("4.3.1 ")
        assert "MSA|AR|LAB1" in await ward.hl7(letters.oru("LAB1", NOW))
        assert ward.deliveries() == []


async def test_a_wrong_master_key_refuses_to_start_with_one_clear_line(
    prepared: Prepared, dovecot: Dovecot, hospital_mailbox: str
):
    folder = prepared.settings.parent
    async with alive(prepared, dovecot, hospital_mailbox) as ward:
        await ward.mail(lab(), f"{letters.GP}@rpps.hospital.test")
    (folder / "secrets" / "master-key").write_bytes(b"\x07" * 32)
    done = await asyncio.to_thread(huitaine, folder, "serve")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("huitaine:")]
    assert "master key" in line
    assert "Traceback" not in done.stderr


def test_a_settings_key_nobody_knows_refuses_to_start_and_names_the_nearest(prepared: Prepared):
    text = prepared.settings.read_text(encoding="utf-8")
    prepared.settings.write_text(text.replace("retry_minutes", "retry_minute"), encoding="utf-8")
    done = huitaine(prepared.settings.parent, "serve")
    assert done.returncode == 2
    assert done.stderr == "huitaine: queue.retry_minute: unknown key; the nearest known one is queue.retry_minutes\n"


@pytest.fixture
def prepared(tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str) -> Prepared:
    """An installation that does not run."""
    return prepare(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox)
