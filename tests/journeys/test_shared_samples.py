"""Real software's shapes through the whole gateway: the national HL7 examples, HPRIM files in all their forms."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from demo import letters
from directory import add_certificate, add_entry
from tests.journeys.kit import Gp, Hospital, files_of, hospital, until
from tests.peers.authority import Authority
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN
from tests.peers.postfix import Chain, Postfix, running_postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

MSS_DOMAIN = "test-ci-sis.mssante.fr"
ADAM, ADAM_RPPS = f"adam.hoda@{MSS_DOMAIN}", "01234567897"
ARRIVES, ARRIVES_ALONE = "arrives with the same bytes", "arrives without the other patient"

HPRIM = {
    "hprim_medecin_lab.hpr": [ARRIVES],
    "hprim_medecin_letter.hpr": [ARRIVES],
    # One mail for each patient: nobody sees the other's name.
    "hprim_medecin_two_patients.hpr": [ARRIVES_ALONE, ARRIVES_ALONE],
    # A report about an earlier file, no result: nothing in it is for a GP.
    "hprim_sante_err_2_4.hpr": ["sante-not-results"],
    "hprim_sante_oru_2_4.hpr": [ARRIVES],
    "deviations/cr_only_latin1.hpr": [ARRIVES],
    # Born on a 31 February: whose letter is it? Held until somebody has asked.
    "deviations/dob_impossible.hpr": ["birth-date-unreadable"],
    "deviations/dob_iso.hpr": [ARRIVES],
    "deviations/dob_two_digit_year.hpr": [ARRIVES],
    "deviations/dot_placeholders.hpr": [ARRIVES],
    "deviations/exam_date_blank.hpr": [ARRIVES],
    "deviations/lf_only_cp1252.hpr": [ARRIVES],
    "deviations/mojibake_latin1_read_as_macroman_utf8.hpr": [ARRIVES],
    "deviations/mojibake_utf8_read_as_latin1_then_macroman.hpr": [ARRIVES],
    "deviations/nir_13_only.hpr": [ARRIVES],
    "deviations/nir_spaced_key.hpr": [ARRIVES],
    "deviations/no_finfichier.hpr": [ARRIVES],
    # No identity block: an ordinary text in an ordinary mail, about nobody stated.
    "deviations/no_header_plain_mail.txt": [ARRIVES],
    "deviations/res_lines_odd.hpr": [ARRIVES],
    # An order without a single result or file: nothing in it to send.
    "deviations/sante_obx_without_obr_fic.hpr": ["order-empty"],
    "deviations/sante_other_separators.hpr": [ARRIVES],
    "deviations/utf8_bom.hpr": [ARRIVES],
}
"""What becomes of each file that a laboratory sends by mail to the GP's RPPS address; held ones with their reason."""


def laboratory(name: str, content: bytes) -> bytes:
    """Its mail with the file attached."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "labo@hospital.test", f"{letters.GP}@rpps.hospital.test"
    mail["Subject"], mail["Message-ID"] = "Résultats", f"<{name.replace('/', '.')}@hospital.test>"
    mail.set_content("Résultats en pièce jointe.\n")
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name.rpartition("/")[2])
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def over_mllp(path: Path) -> bytes:
    """The example with CR between segments, as an MLLP sender writes it (the files have LF)."""
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r")


def document_in(message: bytes) -> bytes:
    """OBX-5.5 of the first OBX."""
    obx = next(segment for segment in message.split(b"\r") if segment.startswith(b"OBX|1|ED"))
    return b64decode(obx.split(b"|")[5].split(b"^")[4])


def document_of(archive: bytes) -> bytes:
    """The CDA of an IHE_XDM archive."""
    with ZipFile(BytesIO(archive)) as opened:
        [name] = [name for name in opened.namelist() if name.upper().endswith(".XML") and "DOC" in name.upper()]
        return opened.read(name)


@pytest.fixture(scope="module")
def operator(authority: Authority, dovecot: Dovecot) -> Iterator[Postfix]:
    """An operator whose domain is the one of the national examples."""
    dovecot.add_user(ADAM)
    mailboxes = dict.fromkeys((GP_DOMAIN, HOSPITAL_DOMAIN, MSS_DOMAIN), dovecot.lmtp_port)
    with running_postfix(authority, Chain(mailboxes=mailboxes)) as server:
        yield server


@dataclass(slots=True, kw_only=True)
class Samples:
    """A hospital that may write to Dr Hoda of the examples, whose certificate it has."""

    ward: Hospital
    adam: Gp
    folder: Path

    async def files(self) -> dict[str, bytes]:
        """What Dr Hoda finds in his mailbox."""
        return files_of(self.adam.open_with_openssl(await self.ward.letter_in_mailbox(ADAM)))


def settings(text: str) -> str:
    text = text.replace('"gp.test"]', f'"gp.test", "{MSS_DOMAIN}"]')
    text = text.replace("[sources.mllp]\n", '[sources.mllp]\nunknown_mailbox = "allow"\n')
    return text + f'\n[directory]\nforms = {{"{MSS_DOMAIN}" = ["pdf", "xdm"]}}\n'


@pytest.fixture
async def national(
    tmp_path: Path, operator: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str, samples: Path
) -> AsyncIterator[Samples]:
    """In ``gateway.mode = "test"``, as the examples' identities ask for."""
    dovecot.doveadm("expunge", "-u", ADAM, "mailbox", "INBOX", "all")
    known: list[Gp] = []

    def learn(folder: Path) -> None:
        (folder / "hoda").mkdir()
        adam = Gp.make(ADAM, folder / "hoda", folder / "tls" / "signers.pem")
        add_certificate(folder / "data", ADAM, adam.identity.certificate.public_bytes(Encoding.DER))
        known.append(adam)

    async with hospital(
        tmp_path, operator, dovecot, gp=mailbox, sender=hospital_mailbox, change=settings, learn=learn
    ) as ward:
        yield Samples(ward=ward, adam=known[0], folder=samples)


async def test_the_national_radiology_letter_arrives_with_its_document_byte_for_byte(national: Samples):
    message = over_mllp(national.folder / "hl7v2" / "MDM_T02_CR_Radio_N1_base64.er7")
    assert "MSA|AA|015" in await national.ward.hl7(message)
    found = await national.files()
    assert document_of(found["zip"]) == document_in(message)
    assert "PAT-TROIS" in found["text"].decode()
    assert [(row["rpps"], row["state"]) for row in national.ward.deliveries()] == [(ADAM_RPPS, "done")]


async def test_the_national_lab_report_arrives_at_the_doctor_and_waits_for_the_patient(national: Samples):
    message = over_mllp(national.folder / "hl7v2" / "ORU_R01_CR_Bio_N3.hl7")
    assert "MSA|AA|015" in await national.ward.hl7(message)
    assert document_of((await national.files())["zip"]) == document_in(message)
    await until(lambda: {row["state"] for row in national.ward.deliveries()} == {"done", "held"})
    reasons = {row["role"]: row["reason"] for row in national.ward.deliveries()}
    # The patient's mailbox follows from the INS, not from the example's other one; in test nobody writes to it.
    assert reasons["patient"] == "not-a-test-domain"


async def test_a_document_that_is_only_a_promise_of_one_is_refused(national: Samples):
    answer = await national.ward.hl7(over_mllp(national.folder / "hl7v2" / "MDM_T02_CR_Radio_N1_placeholder.er7"))
    assert "MSA|AE|015" in answer
    assert "ERR||OBX^1^5" in answer
    assert not national.ward.deliveries()


async def test_a_mailbox_that_the_directory_gives_to_another_doctor_holds_the_letter(national: Samples):
    add_entry(national.ward.folder / "data", "99900000001", ADAM)
    await national.ward.hl7(over_mllp(national.folder / "hl7v2" / "MDM_T02_CR_Radio_N1_base64.er7"))
    await until(lambda: [row["state"] for row in national.ward.deliveries()] == ["held"])
    assert national.ward.deliveries()[0]["reason"] == "mailbox-of-another"
    assert not national.ward.dovecot.mails(ADAM)


async def test_the_national_admission_starts_the_clock_and_a_letter_for_the_discharge_stops_it(national: Samples):
    ward, folder = national.ward, national.folder / "hl7v2"
    assert "MSA|AA|3975" in await ward.hl7(over_mllp(folder / "ADT_A01_admission.er7"))
    await until(lambda: [entry["code"] for entry in ward.journal() if entry["kind"] == "movement"] == ["A01"])
    assert ward.report().total.stays == 0
    assert "MSA|AA|3995" in await ward.hl7(over_mllp(folder / "ADT_A03_sortie.er7"))
    await until(lambda: ward.report().total.stays == 1)
    assert ward.report().total.never_sent == 1
    left = datetime(2024, 3, 6, 11, tzinfo=letters.PARIS)  # ZBE-2 of the example
    letter = letters.mdm("STOP", datetime.now(UTC), left - timedelta(days=2), left, letters.pdf("Lettre", "x"))
    assert "MSA|AA|STOP" in await ward.hl7(letter.replace(letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode()))
    await until(lambda: ward.report().total.never_sent == 0)
    total = ward.report().total
    assert (total.stays, total.late, total.by_identity) == (1, 1, 1)


async def test_every_hprim_file_arrives_or_is_held_for_a_reason_that_can_be_defended(national: Samples):
    ward, folder = national.ward, national.folder / "hprim"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == set(HPRIM)
    sent = {}
    for name in sorted(found):
        answer = await ward.mail(
            laboratory(name, (folder / name).read_bytes()),
            f"{letters.GP}@rpps.hospital.test",
            sender="labo@hospital.test",
        )
        sent[answer.split()[-1].rstrip(".")] = name
    await until(lambda: _all_ended(ward, sent))
    outcomes = await asyncio.to_thread(_outcomes, ward, sent, folder)
    assert outcomes == HPRIM


def _all_ended(ward: Hospital, sent: dict[str, str]) -> bool:
    rows = ward.deliveries()
    planned = {row["letter_id"].partition("-")[0] for row in rows}
    return planned == set(sent) and all(row["state"] in {"done", "held"} for row in rows)


def _outcomes(ward: Hospital, sent: dict[str, str], folder: Path) -> dict[str, list[str]]:
    """By file: the reason why it is held, or whether the GP found the file's own bytes in his mail."""
    mails = {}
    for mail in ward.dovecot.mails(ward.gp.mailbox):
        delivery = message_from_bytes(mail)["Message-ID"].strip("<").partition(".")[0].upper()
        mails[delivery] = files_of(ward.gp.open_with_openssl(mail))
    found: dict[str, list[str]] = defaultdict(list)
    for row in ward.deliveries():
        name = sent[row["letter_id"].partition("-")[0]]
        if row["state"] == "held":
            found[name].append(row["reason"])
            continue
        found[name].append(_compared(mails[row["id"]], (folder / name).read_bytes()))
    return dict(found)


def _compared(arrived: dict[str, bytes], file: bytes) -> str:
    if file in arrived.values():
        return ARRIVES
    records = [record.splitlines() for record in file.split(b"****FIN****\r\n")[:-1]]
    named = [record[1] for record in records if any(record[1] in part for part in arrived.values())]
    return ARRIVES_ALONE if len(records) == 2 and len(named) == 1 else f"arrives as {sorted(arrived)}"
