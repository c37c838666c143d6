"""A mask in the document itself counts as one in its envelope, and preliminary results say that they are."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gateway.parsers.hprim import read_hprim_sante
from gateway.parsers.read import read

MSH = "MSH|^~\\&|LAB|CH|HUI|CH|20260112111500||MDM^T02^MDM_T02|M1|P|2.5|||||FRA|UNICODE UTF-8"
SANTE = (Path(__file__).parents[2] / "vectors" / "hprim" / "hprim_sante_oru_2_4.hpr").read_bytes()


@pytest.fixture
def masked(vectors: Path) -> bytes:
    cda = (vectors / "cda" / "discharge_letter_n1.xml").read_bytes()
    assert b"<confidentialityCode" in cda
    start = cda.index(b"<confidentialityCode")
    end = cda.index(b">", start) + 1
    return cda[:start] + b'<confidentialityCode code="MASQUE_PS" codeSystem="1.2.250.1.213.1.1.4.13"/>' + cda[end:]


def test_a_cda_that_is_masked_is_hidden_from_professionals(masked: bytes) -> None:
    (document,) = read(masked).documents
    assert document.wishes.hidden_from_professionals


def test_a_message_that_is_silent_unmasks_nothing(masked: bytes) -> None:
    pid = "PID|1||IPP1^^^CH&1.2.250.1.71.4.2.1&ISO^PI||TESTINI^AMELIE^^^^^L||19780214|F"
    obx = f"OBX|1|ED|11490-0^Lettre^LN||^text^xml^Base64^{base64.b64encode(masked).decode()}||||||F"
    (document,) = read(f"{MSH}\r{pid}\rTXA|1|CR\r{obx}\r".encode()).documents
    assert document.wishes.hidden_from_professionals


def test_partial_results_of_hprim_sante_say_so() -> None:
    lines = [line.split("|") for line in SANTE.decode("latin-1").splitlines()]
    for fields in lines:
        if fields[0] == "OBR":
            fields[25:26] = ["M"]
    documents = read_hprim_sante("\r".join("|".join(fields) for fields in lines).encode("latin-1")).documents
    assert documents
    assert documents[0].partial


@pytest.mark.parametrize("name", ["p", "obr", "obx"])
def test_a_segment_in_small_letters_hides_no_other_patient(name: str) -> None:
    text = SANTE.decode("latin-1")
    start = text.index(f"\n{name.upper()}|") + 1
    reading = read_hprim_sante((text[:start] + name + text[start + len(name) :]).encode("latin-1"))
    assert not reading.accepted


def test_another_patient_in_small_letters_is_never_this_one() -> None:
    lines = SANTE.decode("latin-1").splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("L|"))
    other = next(line for line in lines if line.startswith("P|")).replace("P|", "p|", 1)
    content = "\r".join((*lines[:end], other, *lines[3:end], lines[end], ""))
    reading = read_hprim_sante(content.encode("latin-1"))
    assert "sante-segment-slip" in {finding.code for finding in reading.findings}
    assert not reading.accepted
