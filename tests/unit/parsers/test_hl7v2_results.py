"""Plain ORU^R01 lab reports, from HL7 2.3 to 2.6."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from gateway.document import Document, Reading, Result, Role, Severity
from gateway.parsers.hl7v2 import read_hl7v2


@pytest.fixture
def oru(vectors: Path) -> bytes:
    return (vectors / "hl7v2" / "oru_r01_lab.hl7").read_bytes()


def report(content: bytes) -> Document:
    (document,) = read_hl7v2(content).documents
    return document


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


def one_result(obx: bytes) -> tuple[Result, Reading]:
    content = b"MSH|^~\\&|A|LAB|C|D|20260115||ORU^R01|7|T|2.3\rPID|1||P1^^^H||TESTINI^AMELIE||19780214|F\rOBR|1\r" + obx
    reading = read_hl7v2(content)
    return reading.documents[0].results[-1], reading


def test_a_report_keeps_its_lines_in_order_with_a_title_for_each_panel(oru: bytes) -> None:
    lines = [(one.label, one.value, one.unit, one.low, one.high, one.flag, one.status) for one in report(oru).results]

    assert lines == [
        ("Numération", "", "", "", "", "", "F"),
        ("Hémoglobine", "11.4", "g/dL", "12.0", "16.0", "L", "F"),
        ("Protéine C réactive", "5", "mg/L", "", "5", "", "F"),
        ("Plaquettes", "210", "G/L", "150", "400", "N", "F"),
        ("Groupe", "A positif", "", "", "", "", "F"),
        ("Aspect", "clair", "", "", "", "", "F"),
        ("Conclusion", "Anémie modérée.\nOBX|9|NM|FAUX\nÀ contrôler.", "", "", "", "", "F"),
        ("Vitamine", "en cours", "", "", "", "", "P"),
        ("Ionogramme", "", "", "", "", "", "P"),
        ("Potassium", "4.1", "mmol/L", "3.5", "5.0", "", "F"),
    ]


def test_a_report_says_what_is_doubtful(oru: bytes) -> None:
    reading = read_hl7v2(oru)

    assert reading.accepted
    assert {"decimal-comma", "nm-not-a-number", "partial-results", "ins-not-qualified"} <= set(codes(reading))


def test_notes_stand_beside_what_they_are_about(oru: bytes) -> None:
    document = report(oru)

    assert document.text == "Prélèvement à jeun"
    assert document.results[1].comment == "Contrôlée deux fois & confirmée"
    assert document.results[5].comment == "Référence : Négatif"


def test_the_message_itself_is_the_original_and_its_pdf_an_attachment(oru: bytes, vectors: Path) -> None:
    document = report(oru)

    assert (document.original.format, document.original.content) == ("hl7v2", oru)
    assert [(one.media_type, one.content) for one in document.attachments] == [
        ("application/pdf", (vectors / "cda" / "letter.pdf").read_bytes())
    ]


def test_who_ordered_and_who_gets_a_copy(oru: bytes) -> None:
    assert [(one.role, one.rpps) for one in report(oru).addressees] == [
        (Role.REFERRER, "99900000037"),
        (Role.REFERRER, "99900000011"),
        (Role.COPY, "99900000029"),
    ]


def test_a_prescriber_without_rpps_is_named_with_a_warning(oru: bytes) -> None:
    local = oru.replace(
        b"99900000029^AUTRE^Anne^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS", b"AN12^AUTRE^Anne"
    )
    reading = read_hl7v2(local)
    copy = reading.documents[0].addressees[-1]

    assert (copy.rpps, copy.local_code) == (None, "AN12")
    assert [one.place for one in reading.findings if one.code == "addressee-without-number"] == ["OBR[1]-28"]


def test_the_report_is_a_lab_report_validated_when_its_final_part_was(oru: bytes) -> None:
    document = report(oru)

    assert document.kind.loinc == "11502-2"
    assert document.validated_at
    assert document.validated_at.isoformat() == "2026-01-16T08:30:00+01:00"
    assert document.legal_authenticator
    assert document.legal_authenticator.family == "BIOLOGISTE"


def test_urgent_is_what_the_order_says(oru: bytes) -> None:
    assert report(oru).urgent is False
    assert report(
        oru.replace(b"OBR|1||ECH-1|NFS^Num", b"OBR|1||ECH-1|NFS^Num").replace(b"^L|||2026", b"^L|S||2026")
    ).urgent


@pytest.mark.parametrize(
    ("obx", "comparator", "value", "numeric"),
    [
        (b"OBX|1|NM|A^B||<0,5", "<", "0.5", True),
        (b"OBX|1|NM|A^B||-3.20", None, "-3.20", True),
        (b"OBX|1|NM|A^B||n.f.", None, "n.f.", False),
        (b"OBX|1|SN|A^B||>=^10", ">=", "10", True),
        (b"OBX|1|SN|A^B||^1^:^128", None, "1:128", False),
        (b"OBX|1|SN|A^B||^2^-^4", None, "2-4", False),
        (b"OBX|1|SN|A^B||^3^+", None, "3+", False),
        (b"OBX|1|ST|A^B||a^b~c", None, "a^b\nc", False),
        (b"OBX|1|CWE|A^B||NEG^N\xc3\xa9gatif^L", None, "Négatif", False),
        (b"OBX|1|FT|A^B||un\\.br\\deux", None, "un\ndeux", False),
        (b"OBX|1|DT|A^B||20260115", None, "20260115", False),
    ],
)
def test_values_are_as_sent(obx: bytes, comparator: str | None, value: str, numeric: bool) -> None:
    result, _ = one_result(obx)

    assert (result.comparator, result.value, result.numeric) == (comparator, value, numeric)


@pytest.mark.parametrize(
    ("reference", "low", "high", "words"),
    [
        (b"3.5-5.0", "3.5", "5.0", ""),
        (b"3,5 - 5,0", "3.5", "5.0", ""),
        (b"-2 - -1", "-2", "-1", ""),
        (b"4 \xc3\xa0 10", "4", "10", ""),
        (b"<5", "", "5", ""),
        (b">= 60", "60", "", ""),
        (b"Absence", "", "", "Référence : Absence"),
    ],
)
def test_reference_ranges(reference: bytes, low: str, high: str, words: str) -> None:
    result, _ = one_result(b"OBX|1|NM|A^B||4||" + reference)

    assert (result.low, result.high, result.comment) == (low, high, words)


def test_a_withdrawn_result_is_shown_with_its_status_and_a_warning() -> None:
    result, reading = one_result(b"OBX|1|NM|A^B||4||||||W")

    assert result.status == "W"
    assert "result-withdrawn" in codes(reading)


def test_several_patients_become_several_documents_none_with_the_others_data() -> None:
    content = (
        b"MSH|^~\\&|A|LAB|C|D|20260115||ORU^R01|7|T|2.5\r"
        b"PID|1||P1^^^H^PI||TESTINI^AMELIE||19780214|F\rOBR|1\rOBX|1|NM|A^B||4\r"
        b"PID|2||P2^^^H^PI||ESSAYEUR^MARC||19500101|M\rOBR|1\rOBX|1|NM|A^B||9\r"
    )
    documents = read_hl7v2(content).documents

    assert [(one.patient.family if one.patient else "", one.results[-1].value) for one in documents] == [
        ("TESTINI", "4"),
        ("ESSAYEUR", "9"),
    ]
    assert b"ESSAYEUR" not in documents[0].original.content
    assert b"TESTINI" not in documents[1].original.content
    assert all(read_hl7v2(one.original.content).accepted for one in documents)


def test_a_report_without_any_result_is_refused(oru: bytes) -> None:
    reading = read_hl7v2(re.sub(rb"(OBX|NTE)\|[^\r]*\r", b"", oru))

    assert "no-results" in codes(reading)
    assert not reading.accepted


def test_a_file_that_is_only_referred_to_is_not_fetched() -> None:
    content = b"MSH|^~\\&|A|LAB|C|D|2026||ORU^R01|7|T|2.5\rPID|1||P1||T^A\rOBX|1|NM|A^B||1\rOBX|2|RP|A^B||file:///etc/passwd\r"

    reading = read_hl7v2(content)
    assert "document-elsewhere" in codes(reading)
    assert reading.documents[0].attachments == ()


def test_a_name_from_the_message_never_becomes_a_file_name() -> None:
    data = base64.b64encode(b"GIF89a")
    content = (
        b"MSH|^~\\&|A|LAB|C|D|2026||ORU^R01|7|T|2.5\rPID|1||P1||T^A\rOBX|1|ED|../x^../y||A^../../image^..%2Fgif^Base64^"
        + data
    )

    (attachment,) = read_hl7v2(content).documents[0].attachments
    assert (attachment.name, attachment.media_type) == ("document.bin", "application/octet-stream")


def test_an_oru_without_the_profiles_name_that_holds_a_cda_is_a_letter(vectors: Path) -> None:
    content = (vectors / "hl7v2" / "oru_r01_cda_n3.hl7").read_bytes().replace(b"2.1^CISIS_CDA_HL7_V2", b"")
    reading = read_hl7v2(content)

    assert reading.accepted
    assert reading.documents[0].original.format == "cda"


def test_no_patient_is_refused() -> None:
    reading = read_hl7v2(b"MSH|^~\\&|A|LAB|C|D|2026||ORU^R01|7|T|2.5\rOBX|1|NM|A^B||1\r")

    assert [one.code for one in reading.findings if one.severity is Severity.ERROR] == ["no-patient"]
    assert reading.control_id == "7"
