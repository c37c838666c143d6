"""Letters of the CI-SIS volet: MDM and ORU whose OBX-5 holds a CDA or a PDF."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from gateway.document import Reading, Role, Severity
from gateway.parsers.hl7v2 import read_hl7v2

FLAG = re.compile(rb"\|(?P<code>[A-Z_]+)\^[a-z_]+\^MetaDMPMSS\|\|(?P<value>[YN])")


@pytest.fixture
def mdm(vectors: Path) -> bytes:
    return (vectors / "hl7v2" / "mdm_t02_cda_n1.hl7").read_bytes()


def errors(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings if finding.severity is Severity.ERROR]


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


def with_flag(message: bytes, code: str, value: str) -> bytes:
    changed = re.sub(rb"(\|%b\^[a-z_]+\^MetaDMPMSS\|\|)[YN]" % code.encode(), rb"\g<1>" + value.encode(), message)
    assert changed != message
    return changed


def test_an_mdm_gives_its_cda_byte_for_byte_and_the_pdf_inside(mdm: bytes, vectors: Path) -> None:
    reading = read_hl7v2(mdm)

    (document,) = reading.documents
    assert reading.accepted
    assert (reading.variant, reading.processing, reading.control_id) == ("MDM^T02 2.6 CISIS 2.1", "T", "DOC000123")
    assert document.original.format == "cda"
    assert document.original.content == (vectors / "cda" / "discharge_letter_n1.xml").read_bytes()
    assert [one.content for one in document.attachments] == [(vectors / "cda" / "letter.pdf").read_bytes()]
    assert document.control_id == "DOC000123"
    assert document.kind.loinc == "11490-0"


def test_an_mdm_tells_whose_stay_it_is(mdm: bytes) -> None:
    (document,) = read_hl7v2(mdm).documents

    patient, stay = document.patient, document.stay
    assert patient
    assert stay
    assert (patient.family, patient.given, patient.used_family) == ("TESTINI", "AMELIE", "ESSAI")
    assert (patient.birth_date, patient.sex, patient.birth_place) == ("1978-02-14", "F", "75056")
    assert [(one.type, one.qualified) for one in patient.identifiers] == [("PI", False), ("INS", True)]
    assert (stay.visit, stay.file_number, stay.unit) == ("V26000042", "N26000042", "UF-MED-A")
    assert stay.discharged_at
    assert stay.discharged_at.isoformat() == "2026-01-15T10:15:00+01:00"


def test_recipients_are_the_rct_and_the_gp_is_known_by_the_rpps_of_the_cda(mdm: bytes) -> None:
    (document,) = read_hl7v2(mdm).documents

    assert [(one.role, one.rpps, one.mailbox) for one in document.addressees] == [
        (Role.GP, "99900000011", "paul.modele@test-ci-sis.mssante.fr"),
        (Role.COPY, "99900000029", "anne.autre@test-ci-sis.mssante.fr"),
        (Role.PATIENT, None, "278027590000164@patient.mssante.fr"),
        (Role.ORGANISATION, None, "cabinet@test-ci-sis.mssante.fr"),
    ]
    assert document.addressees[3].organisation_id
    assert document.addressees[3].organisation_id.value == "999900012"
    assert document.wishes.reply_to == "secretariat.medecine-a@test-ci-sis.mssante.fr"


def test_the_patients_number_is_no_local_code(mdm: bytes) -> None:
    (document,) = read_hl7v2(mdm).documents

    assert not document.addressees[2].local_code


def test_flags_become_wishes(mdm: bytes) -> None:
    wishes = read_hl7v2(mdm).documents[0].wishes

    assert (wishes.to_professionals, wishes.to_patient, wishes.to_dmp) == (True, True, False)
    assert (wishes.hidden_from_professionals, wishes.hidden_from_patient) == (False, False)
    assert (wishes.acknowledge_reception, wishes.acknowledge_reading) == (True, True)
    assert wishes.patient_may_answer is False
    assert wishes.body_for_professionals == "Cher confrère, voici la lettre."


def test_old_flag_names_are_understood(mdm: bytes) -> None:
    old = mdm.replace(b"ACK_LECTURE_MSS^", b"ACK_LECTURE^").replace(b"REP_LEGAUX^", b"REPRESENTANTS_LEGAUX^")

    assert read_hl7v2(old).documents[0].wishes == read_hl7v2(mdm).documents[0].wishes


def test_a_missing_flag_is_a_warning_and_not_stated(mdm: bytes) -> None:
    reading = read_hl7v2(re.sub(rb"OBX\|7\|CWE\|DESTDMP[^\r]*\r", b"", mdm))

    assert reading.accepted
    assert "flag-missing" in codes(reading)
    assert reading.documents[0].wishes.to_dmp is None


@pytest.mark.parametrize(
    ("hidden", "code"),
    [("INVISIBLE_PATIENT", "patient-not-allowed"), ("MASQUE_PS", "professionals-not-allowed")],
)
def test_what_its_own_flags_forbid_is_refused(mdm: bytes, hidden: str, code: str) -> None:
    assert errors(read_hl7v2(with_flag(mdm, hidden, "Y"))) == [code]


def test_gp_only_and_visible_to_the_patient_is_taken_although_the_table_of_the_guide_lacks_it(mdm: bytes) -> None:
    reading = read_hl7v2(with_flag(mdm, "DESTMSSANTEPAT", "N"))

    assert reading.accepted
    assert "routing-outside-matrix" in codes(reading)


def test_a_bare_pdf_is_a_document_too(vectors: Path) -> None:
    reading = read_hl7v2((vectors / "hl7v2" / "mdm_t02_pdf.hl7").read_bytes())

    (document,) = reading.documents
    assert reading.accepted
    assert (document.original.format, document.kind.loinc) == ("pdf", "11490-0")
    assert document.attachments[0].content == (vectors / "cda" / "letter.pdf").read_bytes()
    assert document.author
    assert (document.author.rpps, document.author.organisation) == ("99900000003", "CH ESSAI")


def test_an_oru_of_the_volet_carries_the_narrative(vectors: Path) -> None:
    reading = read_hl7v2((vectors / "hl7v2" / "oru_r01_cda_n3.hl7").read_bytes())

    assert reading.accepted
    assert reading.variant == "ORU^R01 2.5 CISIS 2.1"
    assert "Toux fébrile depuis trois jours." in reading.documents[0].text


def test_a_replacement_names_what_it_replaces(vectors: Path) -> None:
    reading = read_hl7v2((vectors / "hl7v2" / "mdm_t10_replace.hl7").read_bytes())

    (document,) = reading.documents
    assert reading.accepted
    assert (document.id, document.replaces) == ("1.2.250.1.999.1^LDL-0002", "1.2.250.1.999.1^LDL-0001")
    assert document.cancels is None


def test_a_deletion_names_what_it_cancels(vectors: Path) -> None:
    content = (vectors / "hl7v2" / "mdm_t04_cancel.hl7").read_bytes()
    without = re.sub(rb"Base64\^[A-Za-z0-9+/=]{500,}", b"Base64^", content)

    for message in (content, without):
        reading = read_hl7v2(message)
        assert reading.accepted, reading.findings
        assert reading.documents[0].cancels == "1.2.250.1.999.1^LDL-0001"


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"ORC|NW", b"ORC|CA"), (b"MDM^T02", b"MDM^T10"), (b"||||||F\rPRT||UC||SB", b"||||||C\rPRT||UC||SB")],
)
def test_orc_obx_and_event_that_contradict_each_other_are_refused(mdm: bytes, old: bytes, new: bytes) -> None:
    assert old in mdm
    assert "order-status-contradiction" in errors(read_hl7v2(mdm.replace(old, new)))


def test_an_empty_orc_1_of_older_senders_is_a_note(mdm: bytes) -> None:
    reading = read_hl7v2(mdm.replace(b"ORC|NW", b"ORC|SC"))

    assert reading.accepted
    assert "order-unknown" in codes(reading)


def test_base64_with_line_breaks_is_one_document(mdm: bytes, vectors: Path) -> None:
    cda = (vectors / "cda" / "discharge_letter_n1.xml").read_bytes()
    whole = base64.b64encode(cda)
    for separator in (b"\n", b"\r\n", b"\\X0D\\\\X0A\\", b"\\.br\\"):
        broken = separator.join(whole[at : at + 76] for at in range(0, len(whole), 76))
        (document,) = read_hl7v2(mdm.replace(whole, broken)).documents
        assert document.original.content == cda


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_truncated_base64_is_refused_where_it_stands(mdm: bytes, cut: int) -> None:
    document = re.search(rb"Base64\^([A-Za-z0-9+/=]{500,})", mdm)
    assert document
    reading = read_hl7v2(mdm.replace(document[1], document[1][: -400 - cut]))

    (error,) = (finding for finding in reading.findings if finding.severity is Severity.ERROR)
    assert (error.code, error.place) == ("base64-truncated", "OBX[1]-5")
    assert not reading.accepted


def test_a_document_cut_at_a_multiple_of_four_is_refused_too(mdm: bytes) -> None:
    document = re.search(rb"Base64\^([A-Za-z0-9+/=]{500,})", mdm)
    assert document
    assert errors(read_hl7v2(mdm.replace(document[1], document[1][:-400]))) == ["xml-not-well-formed"]


def test_a_pdf_without_its_end_is_refused(vectors: Path) -> None:
    content = (vectors / "hl7v2" / "mdm_t02_pdf.hl7").read_bytes()
    pdf = (vectors / "cda" / "letter.pdf").read_bytes()
    cut = content.replace(base64.b64encode(pdf), base64.b64encode(pdf[:-30]))

    assert errors(read_hl7v2(cut)) == ["pdf-truncated"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "document-missing"),
        (base64.b64encode(b"Document au format CDA"), "document-unreadable"),
        (b"@@@@", "base64-invalid"),
        (base64.b64encode(b"<note/>"), "not-a-cda"),
    ],
)
def test_what_is_no_document_is_refused_with_its_reason(mdm: bytes, data: bytes, code: str) -> None:
    reading = read_hl7v2(re.sub(rb"Base64\^[A-Za-z0-9+/=]{500,}", b"Base64^" + data, mdm))

    assert errors(reading) == [code]
    assert reading.control_id == "DOC000123"


def test_a_message_without_a_document_obx_is_refused(mdm: bytes) -> None:
    assert "document-missing" in errors(read_hl7v2(re.sub(rb"OBX\|1\|[^\r]*\r", b"", mdm)))


def test_a_letter_in_text_segments_is_taken(mdm: bytes) -> None:
    text = "OBX|1|TX|11490-0^Lettre^LN||Chère consœur,~votre patiente va bien.||||||F\r".encode()
    reading = read_hl7v2(re.sub(rb"OBX\|1\|[^\r]*\r", text, mdm))

    assert reading.accepted
    assert reading.documents[0].text == "Chère consœur,\nvotre patiente va bien."
    assert reading.documents[0].original.format == "hl7v2"


def test_a_document_about_somebody_else_is_refused(mdm: bytes) -> None:
    other = mdm.replace(b"278027590000164^^^ASIP", b"180117590000142^^^ASIP")

    assert "patient-mismatch" in errors(read_hl7v2(other))


def test_another_name_and_another_birth_date_are_another_patient_even_on_one_number(mdm: bytes) -> None:
    names = b"||TESTINI^AMELIE^AMELIE ROSE^^^^L~ESSAI^AMELIE^^^^^D|"
    other = mdm.replace(names, b"||AUTREQUI^AMELIE|").replace(b"|19780214|", b"|19800214|")

    assert "patient-mismatch" in errors(read_hl7v2(other))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"||TESTINI^AMELIE^AMELIE ROSE^^^^L~ESSAI^AMELIE^^^^^D|", b"||ESSAI^AMELIE|", None),
        (b"||TESTINI^AMELIE^AMELIE ROSE^^^^L~ESSAI^AMELIE^^^^^D|", "||Têstini^AMELIE|".encode(), None),
        (b"|19780214|", b"|19780215|", "patient-trait-differs"),
    ],
)
def test_a_trait_that_differs_on_the_same_number_is_a_warning(
    mdm: bytes, old: bytes, new: bytes, code: str | None
) -> None:
    assert old in mdm
    reading = read_hl7v2(mdm.replace(old, new))

    assert reading.accepted, reading.findings
    assert ("patient-trait-differs" in codes(reading)) is (code is not None)


def test_a_trait_that_differs_without_a_common_number_is_refused(mdm: bytes) -> None:
    alone = re.sub(rb"~278027590000164[^|]*\|", b"|", mdm.replace(b"IPP-0042", b"IPP-7777"))

    assert read_hl7v2(alone).accepted
    assert "patient-mismatch" in errors(read_hl7v2(alone.replace(b"|19780214|", b"|19780215|")))


def test_a_patients_mailbox_that_is_not_his_ins_is_not_used(mdm: bytes) -> None:
    reading = read_hl7v2(mdm.replace(b"278027590000164@patient", b"180117590000142@patient"))

    assert reading.documents[0].addressees[2].mailbox is None
    assert "patient-address-differs" in codes(reading)


def test_the_patient_is_not_written_to_on_an_ins_that_is_not_qualified(mdm: bytes) -> None:
    reading = read_hl7v2(mdm.replace(b"|VALI", b"|PROV"))

    assert not any(one.qualified for one in reading.documents[0].patient.identifiers)  # type: ignore[union-attr]
    assert reading.documents[0].addressees[2].mailbox is None
    assert {"ins-not-qualified", "patient-address-differs"} <= set(codes(reading))


def test_the_address_is_found_in_prt_14_to_16(mdm: bytes) -> None:
    in_15 = b"||||||||||^^X.400^paul.modele"
    assert in_15 in mdm
    for moved in (in_15[1:], in_15, b"|" + in_15):
        (document,) = read_hl7v2(mdm.replace(in_15, moved)).documents
        assert document.addressees[0].mailbox == "paul.modele@test-ci-sis.mssante.fr"


def test_without_rct_the_gp_of_the_cda_is_named(mdm: bytes) -> None:
    reading = read_hl7v2(re.sub(rb"PRT\|\|UC\|\|RCT[^\r]*\r", b"", mdm))

    assert [(one.role, one.rpps) for one in reading.documents[0].addressees] == [(Role.GP, "99900000011")]
    assert "no-recipient" in codes(reading)


def test_a_number_typed_otherwise_than_rpps_is_kept_as_a_local_code(mdm: bytes) -> None:
    local = mdm.replace(
        b"99900000029^AUTRE^Anne^^^^^^ASIP-SANTE- PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS",
        b"99900000029^AUTRE^Anne^^^^^^CH^D^^^RI",
    )
    (document,) = read_hl7v2(local).documents

    assert (document.addressees[1].rpps, document.addressees[1].local_code) == (None, "99900000029")


def test_two_patients_in_one_document_message_are_refused(mdm: bytes) -> None:
    pid = re.search(rb"PID\|[^\r]*\r", mdm)
    assert pid
    assert "several-patients" in errors(read_hl7v2(mdm.replace(pid[0], pid[0] + pid[0])))


def test_documents_in_hex_or_unencoded_are_read(mdm: bytes, vectors: Path) -> None:
    pdf = (vectors / "cda" / "letter.pdf").read_bytes()
    encoded = re.search(rb"Base64\^[A-Za-z0-9+/=]{500,}", mdm)
    assert encoded
    in_hex = mdm.replace(encoded[0], b"Hex^" + pdf.hex().encode())
    plain = mdm.replace(encoded[0], b"A^<ClinicalDocument/>")

    assert read_hl7v2(in_hex).documents[0].original.content == pdf
    assert errors(read_hl7v2(in_hex.replace(b"Hex^25", b"Hex^2?"))) == ["hex-invalid"]
    assert errors(read_hl7v2(plain)) == ["not-a-cda"]
    assert errors(read_hl7v2(mdm.replace(encoded[0], b"Base32^MFRGG==="))) == ["encoding-unknown"]


def test_a_thousand_remarks_do_not_drown_the_error() -> None:
    header = b"MSH|^~\\&|A|LAB|C|D|2026||ORU^R01|7|T|2.5\rPID|1||P1||T^A\rOBR|1\r"
    reading = read_hl7v2(header + b"OBX|1|NM|A^B||n.f.\r" * 1_000 + b"OBX|2|ED|C^D||^a^pdf^Base64^AAA\r")

    assert len(reading.findings) == 300
    assert errors(reading) == ["base64-truncated"]
