"""CDA R2: header facts, words in reading order, files, and the XML that is refused."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from gateway.document import Reading, Role, Severity
from gateway.errors import UnreadableDocument
from gateway.parsers.cda import read_cda


@pytest.fixture
def n1(vectors: Path) -> bytes:
    return (vectors / "cda" / "discharge_letter_n1.xml").read_bytes()


@pytest.fixture
def n3(vectors: Path) -> bytes:
    return (vectors / "cda" / "discharge_letter_n3.xml").read_bytes()


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        read_cda(content)
    (finding,) = caught.value.findings
    assert finding.severity is Severity.ERROR
    return finding.code


def test_the_header_tells_who_what_and_when(n3: bytes) -> None:
    reading = read_cda(n3)

    (document,) = reading.documents
    assert reading.accepted
    assert reading.variant == "CDA R2 N3 1.2.250.1.213.1.1.1.29 2022.01"
    assert (document.id, document.kind.loinc) == ("1.2.250.1.999.1^LDL-0001", "11490-0")
    assert document.title == "Lettre de liaison à la sortie"
    assert document.validated_at
    assert document.validated_at.isoformat() == "2026-01-15T09:45:00+01:00"
    assert document.author
    assert (document.author.rpps, document.author.title, document.author.organisation) == (
        "99900000003",
        "DR",
        "CH d'Essai",
    )
    assert document.original.content == n3


def test_the_patient_and_the_stay(n3: bytes) -> None:
    (document,) = read_cda(n3).documents

    patient, stay = document.patient, document.stay
    assert patient
    assert stay
    assert (patient.family, patient.given, patient.used_family) == ("TESTINI", "AMELIE", "ESSAI")
    assert (patient.birth_date, patient.sex, patient.birth_place) == ("1978-02-14", "F", "75056")
    assert patient.address == ("3 Rue de l'Essai", "75000 PARIS")
    assert [(one.type, one.qualified) for one in patient.identifiers] == [("INS", False), ("PI", False)]
    assert (stay.visit, stay.hospital) == ("V26000042", "CH d'Essai")
    assert stay.discharged_at
    assert stay.discharged_at.isoformat() == "2026-01-15T10:15:00+01:00"


def test_a_discharge_letter_without_encounter_times_takes_those_of_its_service_event(n3: bytes) -> None:
    without = re.sub(
        rb'(<id root="1.2.250.1.999.1.2"[^>]*>\s*)<effectiveTime>.*?</effectiveTime>', rb"\1", n3, flags=re.DOTALL
    )
    (document,) = read_cda(without).documents

    assert document.stay
    assert document.stay.discharged_at == read_cda(n3).documents[0].stay.discharged_at  # type: ignore[union-attr]


def test_the_gp_is_an_addressee_and_an_information_recipient_is_not(n3: bytes) -> None:
    reading = read_cda(n3)

    assert [(one.role, one.rpps) for one in reading.documents[0].addressees] == [(Role.GP, "99900000011")]
    assert "information-recipient-not-routed" in codes(reading)


def test_the_prescriber_is_the_referrer(n3: bytes) -> None:
    (document,) = read_cda(n3.replace(b'typeCode="INF"', b'typeCode="REF"').replace(b'"PCP"', b'"ATTPHYS"')).documents

    assert [one.role for one in document.addressees] == [Role.REFERRER]


def test_the_narrative_is_read_as_a_person_would(n3: bytes) -> None:
    (document,) = read_cda(n3).documents

    assert document.text == (
        "Motif de l'hospitalisation\n"
        "Toux fébrile depuis trois jours.\n"
        "Pas d'antécédent.\n"
        "Vit seule.\n"
        "\n"
        "Traitements à la sortie\n"
        "Médicament        Dose                      Jusqu'au\n"
        "ESSAICILLINE 1 g  1 comprimé matin et soir  22/01/2026\n"
        "MODELOL 10 mg     1                         à revoir\n"
        "Ordonnance remise\n"
        "\n"
        "Suites à donner\n"
        "1. Revoir le médecin traitant\n"
        "   - sous huit jours\n"
        "2. Radio de contrôle\n"
        "\n"
        "Copie du document\n"
        "Voir le PDF"
    )


def test_a_cell_over_several_rows_keeps_the_values_under_their_title(n3: bytes) -> None:
    table = (
        b"<text><table><tr><th>Bilan</th><th>Examen</th><th>Valeur</th></tr>"
        b'<tr><td rowspan="2">NFS</td><td>Hb</td><td>11.4</td></tr>'
        b"<tr><td>Plaquettes</td><td>210</td></tr></table></text>"
    )
    (document,) = read_cda(n3.replace(b"<text>Voir le PDF</text>", table)).documents

    assert document.text.endswith("Bilan  Examen      Valeur\nNFS    Hb          11.4\n       Plaquettes  210")


def test_a_pdf_is_found_in_the_body_and_in_an_entry(n1: bytes, n3: bytes, vectors: Path) -> None:
    pdf = (vectors / "cda" / "letter.pdf").read_bytes()

    for content in (n1, n3):
        (attachment,) = read_cda(content).documents[0].attachments
        assert (attachment.media_type, attachment.name, attachment.content) == ("application/pdf", "document.pdf", pdf)


def test_a_replacement_names_its_parent(n3: bytes) -> None:
    parent = b'<id root="1.2.250.1.999.1" extension="LDL-0000"/>'
    related = b'<relatedDocument typeCode="RPLC"><parentDocument>' + parent + b"</parentDocument></relatedDocument>"
    (document,) = read_cda(n3.replace(b"<componentOf>", related + b"<componentOf>")).documents

    assert document.replaces == "1.2.250.1.999.1^LDL-0000"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<nonXMLBody>", b"<otherBody>", "xml-not-well-formed"),
        (b"JVBERi0", b"AAAAAA0", "not-a-pdf"),
        (b'representation="B64"', b'representation="TXT"', "media-not-base64"),
        (b'representation="B64"', b'representation="B64" compression="DF"', "media-compressed"),
        (b"JVBERi0", b"JVBERi", "base64-truncated"),
        (b"JVBERi0", b"JVBERi!", "base64-invalid"),
        (b"<recordTarget>", b"<recordTarget/><recordTarget>", None),
        (b'<family qualifier="BR">TESTINI</family>', b"", None),
        (b'code="11490-0" ', b"", "kind-not-stated"),
    ],
)
def test_what_is_wrong_is_named(n1: bytes, old: bytes, new: bytes, code: str | None) -> None:
    assert old in n1
    changed = n1.replace(old, new)
    if code == "xml-not-well-formed":
        assert refusal(changed) == code
    else:
        reading = read_cda(changed)
        assert (code in codes(reading)) if code else reading.accepted


def test_a_cda_without_patient_or_with_two_is_refused(n1: bytes) -> None:
    role = re.search(rb"<recordTarget>.*?</recordTarget>", n1, flags=re.DOTALL)
    assert role
    for changed in (n1.replace(role[0], b""), n1.replace(role[0], role[0] + role[0])):
        reading = read_cda(changed)
        assert "cda-patient" in codes(reading)
        assert not reading.accepted


def test_an_empty_body_is_refused(n1: bytes) -> None:
    reading = read_cda(re.sub(rb"<nonXMLBody>.*?</nonXMLBody>", b"<structuredBody/>", n1, flags=re.DOTALL))

    assert "cda-empty" in codes(reading)
    assert not reading.accepted


def test_a_real_ins_with_a_wrong_key_is_refused(n1: bytes) -> None:
    wrong = n1.replace(b'"278027590000164"', b'"278027590000165"')

    assert read_cda(wrong).accepted
    assert not read_cda(wrong.replace(b"1.2.250.1.213.1.4.10", b"1.2.250.1.213.1.4.8")).accepted


BOMB = b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 6_000 + b'">]><a>' + b"&a;" * 1_200 + b"</a>"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-xml"),
        (b"\x00\x01", "not-xml"),
        (b"<a", "xml-not-well-formed"),
        (BOMB, "xml-dtd"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "xml-dtd"),
        (b"<!-- <a> --><!DOCTYPE a><a/>", "xml-dtd"),
        (b"<a>" * 257 + b"</a>" * 257, "xml-too-deep"),
        (b"<a>" * 200_000, "xml-too-deep"),
        (b'<?xml version="1.0" encoding="UTF-7"?><a/>', "xml-encoding-refused"),
        (b'<?xml version="1.0" encoding="EBCDIC-CP-FR"?><a/>', "xml-encoding-refused"),
        ('<?xml version="1.0"?><a/>'.encode("utf-16"), "not-xml"),
        (b"<a>\xe9</a>", "xml-encoding-wrong"),
        (b"<a>&nbsp;</a>", "xml-not-well-formed"),
        (b"<a>" * 300 + b"x" * 9_500_000 + b"</a>" * 300, "xml-too-deep"),
    ],
)
def test_dangerous_xml_is_refused(content: bytes, code: str) -> None:
    started = time.process_time()

    assert refusal(content) == code
    assert time.process_time() - started < 2


def test_a_file_named_in_the_xml_is_never_read(n3: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("CANARY")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'.encode()
    (document,) = read_cda(n3.replace(b"Voir le PDF", include)).documents

    assert "CANARY" not in document.text


def test_latin_charsets_are_read(n3: bytes) -> None:
    for name in ("ISO-8859-1", "ISO-8859-15", "windows-1252"):
        recoded = n3.decode().replace('encoding="UTF-8"', f'encoding="{name}"').encode(name)
        assert read_cda(recoded).documents[0].text == read_cda(n3).documents[0].text


def test_a_few_bytes_of_markup_do_not_become_a_mountain_of_blanks(n3: bytes) -> None:
    wide = b"<tr>" + b"<td>" + b"x" * 48 + b"</td>" * 1
    row = b"<tr>" + (b"<td>" + b"x" * 48 + b"</td>") * 60 + b"</tr>"
    tall = b"<tr>" + b"<td/>" * 59 + b"<td>" + b"y<br/>" * 30_000 + b"</td></tr>"
    assert wide
    content = n3.replace(b"<text>Voir le PDF</text>", b"<text><table>" + row + tall + b"</table></text>")

    assert len(read_cda(content).documents[0].text) < 1_000_000


@pytest.mark.parametrize(
    "narrative",
    [b"<list><item>" * 60 + b"</item></list>" * 60, b"<br/>" * 100_001, b"<content>" * 90 + b"</content>" * 90],
)
def test_a_narrative_no_letter_has_is_refused(n3: bytes, narrative: bytes) -> None:
    assert refusal(n3.replace(b"Voir le PDF", narrative)) == "narrative-too-large"


def test_a_body_of_plain_text_is_the_text(n1: bytes) -> None:
    plain = re.sub(rb"<text mediaType.*?</text>", b'<text mediaType="text/plain">Va bien.</text>', n1, flags=re.DOTALL)
    (document,) = read_cda(plain).documents

    assert (document.text, document.attachments) == ("Va bien.", ())


def test_a_file_elsewhere_is_not_fetched(n1: bytes) -> None:
    body = b'<text mediaType="application/pdf"><reference value="http://127.0.0.1:9/x.pdf"/></text>'
    reading = read_cda(re.sub(rb"<text mediaType.*?</text>", body, n1, flags=re.DOTALL))

    assert {"media-elsewhere", "cda-empty"} <= set(codes(reading))


def test_a_gp_without_rpps_is_a_warning(n3: bytes) -> None:
    reading = read_cda(n3.replace(b'extension="899900000011"', b'extension="750100125/50362"'))

    assert reading.documents[0].addressees[0].local_code == "750100125/50362"
    assert "addressee-without-number" in codes(reading)
