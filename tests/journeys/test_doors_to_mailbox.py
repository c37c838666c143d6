"""Each door: what the hospital hands in lies in the GP's mailbox, opens with openssl, and holds the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest

from demo import letters
from tests.journeys.kit import Hospital, files_of, until

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def document_of(xdm: bytes) -> bytes:
    with ZipFile(BytesIO(xdm)) as archive:
        name = next(name for name in archive.namelist() if name.upper().endswith(("DOC0001.XML", "DOC00001.XML")))
        return archive.read(name)


async def test_a_discharge_letter_over_mllp_is_opened_by_the_gp_with_its_cda_byte_for_byte(ward: Hospital):
    pdf = letters.pdf("Lettre de liaison", "Évolution favorable.")
    message = letters.mdm("DOC1", NOW, NOW - 5 * DAY, NOW - DAY, pdf).replace(
        letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode()
    )
    assert "MSA|AA|DOC1" in await ward.hl7(message)
    found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert found["pdf"] == pdf
    assert document_of(found["zip"]) == letters.cda(NOW, NOW - 5 * DAY, NOW - DAY, pdf)
    assert "TESTINI" in found["text"].decode()


async def test_an_hprim_lab_result_by_mail_to_an_rpps_address_keeps_its_bytes(ward: Hospital):
    record = letters.hprim_lab(NOW)
    answer = await ward.mail(letters.hprim_mail(record), f"{letters.GP}@rpps.hospital.test")
    assert "Queued as" in answer
    found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert found["hpr"] == record
    assert "Hémoglobine" in found["text"].decode()


async def test_an_ordinary_mail_with_a_pdf_is_sealed_and_followed(ward: Hospital):
    pdf = letters.pdf("Consultation", "Bonjour")
    mail = letters.secretary("dpi@hospital.test", pdf)
    await ward.mail(mail, ward.gp.mailbox)
    found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert found["pdf"] == pdf
    assert "courrier de consultation" in found["text"].decode()


async def test_a_file_dropped_in_the_folder_arrives_and_is_moved_to_taken(ward: Hospital):
    message = letters.oru("LAB9", NOW).replace(letters.SECOND_GP.encode(), letters.GP.encode())
    (ward.folder / "drop" / "lab.hl7").write_bytes(message)
    found = files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))
    assert found["hl7"] == message
    await until(lambda: len(list((ward.folder / "drop" / "taken").iterdir())) == 1)


async def test_the_sealed_mail_shows_nothing_of_the_patient_or_the_content(ward: Hospital):
    await ward.mail(letters.hprim_mail(letters.hprim_lab(NOW)), f"{letters.GP}@rpps.hospital.test")
    sealed = await ward.letter_in_mailbox()
    body = sealed.partition(b"\r\n\r\n")[2] or sealed.partition(b"\n\n")[2]
    assert b"TESTINI" not in body
    assert b"11,4" not in sealed


async def test_the_clock_runs_from_admission_to_delivery(ward: Hospital):
    for message in (
        letters.adt("A01", "A1", NOW - 5 * DAY, NOW - 5 * DAY, None),
        letters.adt("A03", "A2", NOW - DAY, NOW - 5 * DAY, NOW - DAY),
    ):
        assert "MSA|AA" in await ward.hl7(message)
    message = letters.mdm("DOC2", NOW, NOW - 5 * DAY, NOW - DAY, letters.pdf("L", "x")).replace(
        letters.GP_MAILBOX.encode(), ward.gp.mailbox.encode()
    )
    await ward.hl7(message)
    await ward.letter_in_mailbox()
    await until(lambda: any(row["proof"] >= 1 for row in ward.deliveries()))
    told = ward.report()
    assert told.total.stays == 1
    assert told.total.in_time == 1


async def test_a_replayed_message_gets_the_same_acknowledgement_and_one_letter_leaves(ward: Hospital):
    message = letters.oru("LAB7", NOW).replace(letters.SECOND_GP.encode(), letters.GP.encode())
    first, second = await ward.hl7(message), await ward.hl7(message)
    assert first == second
    await ward.letter_in_mailbox()
    assert len(ward.deliveries()) == 1


async def test_two_patients_in_one_file_are_two_mails(ward: Hospital):
    await ward.mail(letters.hprim_mail(letters.hprim_two_patients(NOW)), f"{letters.GP}@rpps.hospital.test")
    texts = []
    for number in (0, 1):
        mail = ward.gp.open_with_openssl(await ward.letter_in_mailbox(number=number))
        texts.append(files_of(mail)["text"].decode())
    assert sum("ESSAIMARTIN" in text for text in texts) == 1
    assert sum("ESSAIDURAND" in text for text in texts) == 1
    assert not any("ESSAIMARTIN" in text and "ESSAIDURAND" in text for text in texts)
