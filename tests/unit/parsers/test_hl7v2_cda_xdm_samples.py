"""The samples of the ANS, where they are at hand: accepted with the right facts, or refused for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.document import Movement, Reading, Role, Severity
from gateway.parsers.cda import read_cda
from gateway.parsers.hl7v2 import read_hl7v2
from gateway.parsers.xdm import read_xdm

INS = "279035121518989"


def message(samples: Path, name: str) -> Reading:
    return read_hl7v2((samples / "hl7v2" / name).read_bytes())


def errors(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings if finding.severity is Severity.ERROR]


def movement(samples: Path, name: str) -> Movement:
    reading = message(samples, name)
    assert reading.accepted, reading.findings
    return reading.movements[0]


@pytest.mark.parametrize(
    ("name", "variant", "kind", "largest"),
    [
        ("MDM_T02_CR_Radio_N1_base64.er7", "MDM^T02 2.6 CISIS 2.1", "18748-4", 179_764),
        ("MDM_T10_CR_Radio_N1_replace.er7", "MDM^T10 2.6 CISIS 2.1", "18748-4", 179_764),
        ("ORU_R01_CR_Bio_N3.hl7", "ORU^R01 2.5 CISIS 2.1", "11502-2", 40_557),
    ],
)
def test_the_letters_of_the_ans_are_taken(samples: Path, name: str, variant: str, kind: str, largest: int) -> None:
    reading = message(samples, name)

    assert reading.accepted, reading.findings
    assert (reading.variant, reading.processing, reading.control_id) == (variant, "P", "015")
    (document,) = reading.documents
    assert document.patient
    assert document.stay
    assert (document.patient.family, document.patient.birth_date) == ("PAT-TROIS", "1979-03-28")
    assert [(one.value, one.qualified) for one in document.patient.identifiers] == [(INS, True)]
    assert (document.stay.visit, document.stay.file_number) == ("000897406", "405660")
    assert document.kind.loinc == kind
    assert max(len(one.content) for one in document.attachments if one.media_type == "application/pdf") == largest
    assert document.addressees[0].role is Role.COPY
    assert (document.addressees[0].rpps, document.addressees[0].mailbox) == (
        "01234567897",
        "adam.hoda@test-ci-sis.mssante.fr",
    )


def test_the_replacement_of_the_ans_names_the_first_document(samples: Path) -> None:
    first = message(samples, "MDM_T02_CR_Radio_N1_base64.er7").documents[0]

    assert message(samples, "MDM_T10_CR_Radio_N1_replace.er7").documents[0].replaces == first.id


def test_the_placeholder_of_the_ans_is_refused_because_it_holds_no_document(samples: Path) -> None:
    reading = message(samples, "MDM_T02_CR_Radio_N1_placeholder.er7")

    assert errors(reading) == ["document-unreadable"]
    assert not reading.accepted


def test_the_movements_of_the_ans_open_and_close_a_stay(samples: Path) -> None:
    admission, discharge = movement(samples, "ADT_A01_admission.er7"), movement(samples, "ADT_A03_sortie.er7")

    assert (admission.stay.visit, discharge.stay.visit) == ("000897406", "000897406")
    assert admission.stay.admitted_at
    assert discharge.stay.discharged_at
    assert discharge.stay.discharged_at.isoformat() == "2024-03-06T11:00:00+01:00"
    assert (discharge.action, discharge.stay.unit) == ("INSERT", "Urgences")


@pytest.mark.parametrize("name", ["ACK_T10.er7", "ZAM_Z02_reception_MSS.hl7"])
def test_answers_are_no_letters(samples: Path, name: str) -> None:
    assert errors(message(samples, name)) == ["message-type-unsupported"]


@pytest.mark.parametrize(
    ("name", "kind", "files"),
    [
        ("BIO-CR-BIO_2024.01_TSH_1.xml", "11502-2", [78_777]),
        ("DOC_NON_STRUCTURE_CDA-R2-N1.xml", "11502-2", [326_650]),
        ("LDL-SES_2022.01.xml", "11490-0", []),
    ],
)
def test_the_cda_of_the_ans_are_read(samples: Path, name: str, kind: str, files: list[int]) -> None:
    reading = read_cda((samples / "cda" / name).read_bytes())

    assert reading.accepted, reading.findings
    (document,) = reading.documents
    assert document.patient
    assert (document.patient.family, document.kind.loinc) == ("PAT-TROIS", kind)
    assert [len(one.content) for one in document.attachments] == files


def test_the_discharge_letter_of_the_ans_names_its_gp_and_reads_well(samples: Path) -> None:
    (document,) = read_cda((samples / "cda" / "LDL-SES_2022.01.xml").read_bytes()).documents

    assert [(one.role, one.rpps, one.family) for one in document.addressees] == [(Role.GP, "01984758437", "MEDIONI")]
    assert "Motif de l'hospitalisation\nEpisode psychotique" in document.text
    assert "LEPONEX 100 mg" in document.text


@pytest.mark.parametrize("name", ["IHE_XDM_bio.zip", "IHE_XDM_ldl-ses.zip"])
def test_the_archives_are_read(samples: Path, name: str) -> None:
    content = (samples / "xdm" / name).read_bytes()
    reading = read_xdm(content)

    assert reading.accepted, reading.findings
    assert reading.documents[0].original.content == content
