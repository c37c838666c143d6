"""Laboratory results of a CDA of level 3: types of values, ranges, statuses, remarks, and entry against narrative."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from gateway.document import Measure, Result, Role
from gateway.errors import UnreadableDocument
from gateway.parsers.cda import read_cda
from gateway.parsers.cda.values import Value, value_of
from gateway.parsers.xdm import read_xdm

XSI = 'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.fixture
def report(vectors: Path) -> bytes:
    return (vectors / "cda" / "lab_report_n3.xml").read_bytes()


def with_body(report: bytes, section: str) -> bytes:
    """The header of the report around one section."""
    head = report[: report.index(b"<structuredBody>")]
    body = f"<structuredBody><component><section><title>T</title>{section}</section></component></structuredBody>"
    return head + body.encode() + b"</component></ClinicalDocument>"


def one_result(report: bytes, inside: str, narrative: str = "") -> tuple[Result, list[str]]:
    """The result of an observation with ``inside``, and the codes of what was found about it."""
    observation = (
        f'<observation classCode="OBS" moodCode="EVN"><code code="1-1" displayName="Essai"/>{inside}</observation>'
    )
    reading = read_cda(with_body(report, f"<text>{narrative}</text><entry>{observation}</entry>"))
    _, result = reading.documents[0].results
    return result, [one.code for one in reading.findings if one.code != "order-partial"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('<value xsi:type="PQ" value="5.6" unit="mmol/L"/>', Value(text="5.6", unit="mmol/L", numeric=True)),
        ('<value xsi:type="hl7:PQ" value="5,6" unit="1"/>', Value(text="5.6", numeric=True)),
        ('<value value="5.6" unit="g"/>', Value(text="5.6", unit="g", numeric=True)),
        ('<value xsi:type="INT" value="12"/>', Value(text="12", numeric=True)),
        ('<value xsi:type="REAL" value="1.50"/>', Value(text="1.50", numeric=True)),
        ('<value xsi:type="PQ" value="beaucoup"/>', Value(text="beaucoup")),
        ('<value xsi:type="ST"> Limpide\n  et clair </value>', Value(text="Limpide\net clair")),
        ('<value xsi:type="ED">Texte</value>', Value(text="Texte")),
        ('<value xsi:type="CD" code="1" displayName="Positif"/>', Value(text="Positif")),
        ('<value xsi:type="CD" code="1"><translation code="2" displayName="Positif"/></value>', Value(text="Positif")),
        ('<value xsi:type="CD" code="A+"/>', Value(text="A+")),
        ('<value xsi:type="CD" nullFlavor="OTH"><originalText>Rare</originalText></value>', Value(text="Rare")),
        ('<value xsi:type="CD" nullFlavor="UNK"/>', Value(missing="UNK")),
        ('<value xsi:type="BL" value="true"/>', Value(text="oui")),
        ('<value xsi:type="TS" value="202601150830+0100"/>', Value(text="15/01/2026 08:30")),
        (
            '<value xsi:type="IVL_PQ"><low value="2" unit="g"/><high value="4" unit="g"/></value>',
            Value(text="2 - 4", unit="g"),
        ),
        (
            '<value xsi:type="IVL_PQ"><high value="5" unit="mg/L" inclusive="false"/></value>',
            Value(text="5", comparator="<", unit="mg/L", numeric=True),
        ),
        (
            '<value xsi:type="IVL_PQ"><low value="500" unit="U"/></value>',
            Value(text="500", comparator=">=", unit="U", numeric=True),
        ),
        ('<value xsi:type="RTO"><numerator value="1"/><denominator value="64"/></value>', Value(text="1:64")),
        ('<value xsi:type="X_UNKNOWN" value="7">dit</value>', Value(text="dit")),
        ("<value/>", Value()),
        (
            '<value xsi:type="PQ" value="90" unit="umol/L"><translation value="10.2" code="mg/L"/></value>',
            Value(text="90", unit="umol/L", numeric=True, second=Measure(value="10.2", unit="mg/L")),
        ),
    ],
)
def test_each_type_of_value_is_shown_as_it_was_sent(written: str, value: Value) -> None:
    assert value_of(etree.fromstring(f"<x {XSI}>{written}</x>")[0]) == value


def test_the_report_becomes_a_table_with_chapters_and_batteries(report: bytes) -> None:
    (document,) = read_cda(report).documents

    assert [(one.label, one.value, one.unit, one.low, one.high, one.flag) for one in document.results[:5]] == [
        ("BIOCHIMIE", "", "", "", "", ""),
        ("Bilan sanguin", "", "", "", "", ""),
        ("Ionogramme", "", "", "", "", ""),
        ("Potassium", "5.6", "mmol/L", "3.5", "5.1", "H"),
        ("Créatinine", "90", "umol/L", "", "", "H"),
    ]
    potassium, creatinine = document.results[3:5]
    assert (potassium.code, potassium.alternate_code) == ("2823-3", "K")
    assert potassium.observed_at is not None
    assert potassium.observed_at.isoformat() == "2026-01-15T08:30:00+01:00"
    assert creatinine.second == Measure(value="10.2", unit="mg/L", low="5.0", high="9.0")
    assert [one.role for one in document.addressees] == [Role.REFERRER, Role.GP]


def test_remarks_methods_and_earlier_results_stand_beside_the_value(report: bytes) -> None:
    potassium = read_cda(report).documents[0].results[3]

    assert potassium.comment.split("\n") == [
        "Méthode : (potentiométrie indirecte)",
        "Hémolyse légère : à contrôler.",
        "Antérieur du 02/12/2025 : 4.2 mmol/L",
    ]


def test_a_number_that_the_table_does_not_have_is_told_and_shown(report: bytes) -> None:
    reading = read_cda(report)

    found = [one for one in reading.findings if one.code == "entry-contradicts-narrative"]
    assert [one.detail for one in found] == ["Glycémie à jeun: 12.6 g/L", "Recherche de toxine: Positif"]
    told = [one.label for one in reading.documents[0].results if "ne porte pas cette valeur" in one.comment]
    assert told == ["Glycémie à jeun", "Recherche de toxine"]


def test_an_agreeing_report_has_no_such_warning(report: bytes) -> None:
    agreeing = report.replace(b'value="12.6"', b'value="1.26"').replace("négative</td>".encode(), b"Positif</td>")

    assert "entry-contradicts-narrative" not in [one.code for one in read_cda(agreeing).findings]


@pytest.mark.parametrize(
    ("value", "narrative", "contradicted"),
    [
        ('xsi:type="PQ" value="5.60" unit="g"', "<paragraph>Essai 5,6 g</paragraph>", False),
        ('xsi:type="PQ" value="250000"', "<paragraph>Essai 250 000</paragraph>", False),
        ('xsi:type="PQ" value="56" unit="g"', "<paragraph>Essai 5,6 g</paragraph>", True),
        ('xsi:type="PQ" value="-2.5"', "<paragraph>Excès de base - 2,5</paragraph>", False),
        ('xsi:type="PQ" value="5.6"', "<paragraph>Sans chiffre</paragraph>", False),
        ('xsi:type="PQ" value="5.6"', "", False),
        ('xsi:type="ST"', "<paragraph>12</paragraph>", False),
    ],
)
def test_numbers_are_compared_as_a_french_table_writes_them(
    report: bytes, value: str, narrative: str, contradicted: bool
) -> None:
    _, codes = one_result(report, f"<value {value}/>", narrative)

    assert ("entry-contradicts-narrative" in codes) is contradicted


@pytest.mark.parametrize(
    ("code", "status", "finding"),
    [
        ("completed", "F", None),
        ("active", "P", "result-not-validated"),
        ("aborted", "X", "result-withdrawn"),
        ("cancelled", "X", "result-withdrawn"),
        ("nullified", "W", "result-withdrawn"),
        ("bizarre", "BIZARRE", "result-not-validated"),
    ],
)
def test_a_status_is_told_in_the_words_of_table_0085(
    report: bytes, code: str, status: str, finding: str | None
) -> None:
    result, codes = one_result(report, f'<statusCode code="{code}"/><value xsi:type="INT" value="1"/>')

    assert (result.status, codes) == (status, [finding] if finding else [])


def test_a_range_in_another_unit_is_a_remark_and_never_a_limit(report: bytes) -> None:
    bounds = '<low value="3" unit="g/L"/><high value="5" unit="g/L"/>'
    inside = f'<observationRange><value xsi:type="IVL_PQ">{bounds}</value></observationRange>'
    wrapped = f"<referenceRange>{inside}</referenceRange>"
    result, codes = one_result(report, f'<value xsi:type="PQ" value="4" unit="mmol/L"/>{wrapped}')

    assert (result.low, result.high, result.comment) == ("", "", "Référence : 3 - 5 g/L")
    assert codes == ["range-other-unit"]


def test_a_second_range_and_words_are_kept(report: bytes) -> None:
    def reference(bounds: str, meaning: str) -> str:
        inside = (
            f'<value xsi:type="IVL_INT">{bounds}</value><interpretationCode code="{meaning}" displayName="alerte"/>'
        )
        return f"<referenceRange><observationRange>{inside}</observationRange></referenceRange>"

    ranges = reference('<low value="1"/><high value="9"/>', "N") + reference('<high value="20"/>', "HH")
    result, _ = one_result(report, f'<value xsi:type="INT" value="4"/>{ranges}')

    assert (result.low, result.high, result.comment) == ("1", "9", "Référence : < 20 alerte")


def test_what_was_not_found_is_never_shown_as_found(report: bytes) -> None:
    negated = next(one for one in read_cda(report).documents[0].results if one.label == "Recherche de parasites")

    assert negated.value == "NON : Plasmodium"


def test_an_antibiogram_shows_its_interpretation(report: bytes) -> None:
    results = read_cda(report).documents[0].results
    at = next(index for index, one in enumerate(results) if one.label == "Amoxicilline")

    assert (results[at - 1].label, results[at].value, results[at].flag) == ("Escherichia coli", "Résistant", "R")


def test_orders_and_descriptions_of_files_are_no_results(report: bytes) -> None:
    labels = [one.label for one in read_cda(report).documents[0].results]

    assert "Hémoculture à faire" not in labels
    assert "Type de document" not in labels


def test_entries_of_a_discharge_letter_are_told_by_its_narrative_alone(report: bytes) -> None:
    letter = report.replace(b'code="11502-2"', b'code="11490-0"')
    without = letter.replace(b'<templateId root="1.3.6.1.4.1.19376.1.3.1"/>', b"")

    assert read_cda(letter).documents[0].results
    assert read_cda(without).documents[0].results == ()


def test_who_referred_to_the_stay_is_an_addressee_once(report: bytes) -> None:
    def referred(number: bytes) -> bytes:
        who = b'<id root="1.2.250.1.71.4.2.1" extension="8%b"/>'
        person = b'<encounterParticipant typeCode="REF"><assignedEntity>%b</assignedEntity></encounterParticipant>' % (
            who % number
        )
        return report.replace(b"<location>", person + b"<location>")

    more = read_cda(referred(b"99900000052")).documents[0].addressees
    assert [(one.role, one.rpps) for one in more][-1] == (Role.REFERRER, "99900000052")
    assert len(read_cda(referred(b"99900000011")).documents[0].addressees) == 2


def test_sections_keep_their_codes_and_levels(report: bytes) -> None:
    (document,) = read_cda(report).documents

    assert [(one.title, one.code, one.level) for one in document.sections] == [
        ("BIOCHIMIE", "18719-5", 0),
        ("Bilan sanguin", "18719-5", 1),
        ("MICROBIOLOGIE", "18725-2", 0),
        ("Copie du document", "55108-5", 0),
    ]
    assert all(one.text in document.text for one in document.sections)


def test_more_results_than_a_report_has_are_refused(report: bytes) -> None:
    entry = '<entry><observation><value xsi:type="INT" value="1"/></observation></entry>'

    with pytest.raises(UnreadableDocument) as caught:
        read_cda(with_body(report, entry * 5_001))
    assert caught.value.findings[0].code == "too-many-results"


def test_entries_that_nest_without_end_are_refused(report: bytes) -> None:
    opened, closed = "<act><entryRelationship>", "</entryRelationship></act>"

    with pytest.raises(UnreadableDocument) as caught:
        read_cda(with_body(report, f"<entry>{opened * 60}<observation/>{closed * 60}</entry>"))
    assert caught.value.findings[0].code == "entries-too-deep"


def test_a_reference_to_megabytes_is_not_copied_into_each_result(report: bytes) -> None:
    code = '<code><originalText><reference value="#all"/></originalText></code>'
    named = f'<observation>{code}<value xsi:type="ST">x</value></observation>'
    content = with_body(report, f'<text ID="all">{"mot " * 200_000}</text>' + f"<entry>{named}</entry>" * 2_000)

    assert sum(len(one.label) for one in read_cda(content).documents[0].results) < 10_000


def test_the_report_reads_the_same_when_its_prefix_is_written_out(report: bytes) -> None:
    prefixed = re.sub(rb"<(/?)(?=[a-zA-Z])(?!lab:)", rb"<\1v3:", report).replace(b"xmlns=", b"xmlns:v3=")

    assert read_cda(prefixed).documents[0].results == read_cda(report).documents[0].results


def test_the_report_of_the_ans_gives_its_two_results(samples: Path) -> None:
    reading = read_cda((samples / "cda" / "BIO-CR-BIO_2024.01_TSH_1.xml").read_bytes())

    assert [(one.label, one.value, one.unit, one.low, one.high, one.flag) for one in reading.documents[0].results] == [
        ("BIOCHIMIE", "", "", "", "", ""),
        ("Thyréostimuline (TSH)", "1.950", "m[IU]/L", "0.270", "4.200", "N"),
        ("Thyroxine libre (FT4)", "7.67", "pg/mL", "9.30", "17.00", "L"),
    ]
    assert "entry-contradicts-narrative" not in [one.code for one in reading.findings]


def test_a_value_changed_in_the_report_of_the_ans_is_found_out(samples: Path) -> None:
    content = (samples / "cda" / "BIO-CR-BIO_2024.01_TSH_1.xml").read_bytes()
    reading = read_cda(content.replace(b'xsi:type="PQ" value="7.67"', b'xsi:type="PQ" value="76.7"'))

    assert [one.code for one in reading.findings if "contradicts" in one.code] == ["entry-contradicts-narrative"]


def test_the_discharge_letter_of_the_ans_has_sections_and_no_results(samples: Path) -> None:
    (document,) = read_cda((samples / "cda" / "LDL-SES_2022.01.xml").read_bytes()).documents

    assert document.results == ()
    assert ("Synthèse médicale du séjour", "42545-4") in [(one.title, one.code) for one in document.sections]
    assert len(document.sections) == 9


@pytest.mark.parametrize(("name", "results"), [("IHE_XDM_bio.zip", 3), ("IHE_XDM_ldl-ses.zip", 0)])
def test_the_archives_hold_the_same_documents(samples: Path, name: str, results: int) -> None:
    reading = read_xdm((samples / "xdm" / name).read_bytes())

    assert len(reading.documents[0].results) == results
    assert {one.code for one in reading.findings} <= {"information-recipient-not-routed", "addressee-without-number"}


def test_a_pdf_of_the_ans_says_that_it_is_pdf_a(samples: Path) -> None:
    (file,) = read_cda((samples / "cda" / "BIO-CR-BIO_2024.01_TSH_1.xml").read_bytes()).documents[0].attachments

    assert file.conformance.startswith("PDF/A-")
