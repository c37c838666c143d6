"""One refusal for each condition of table 0357, from the message's bytes to the ERR segment, judged by hl7apy."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from gateway.admission import refusals
from gateway.document import Finding, Severity
from gateway.errors import UnreadableDocument
from gateway.ingest.ack import Answer, Complaint, acknowledge, complaints_of
from gateway.ingest.conditions import CONDITION_OF_CODE, CONDITIONS, condition_of
from gateway.ingest.msh import DEFAULT, read_msh
from gateway.letter import Mode
from gateway.parsers.hl7v2 import read_hl7v2
from tests.unit.ingest.ingest_door_kit import NOW

ROOT = Path(__file__).resolve().parents[3]
MSH = "MSH|^~\\&|SIL|LABO|P|CH|20260115||{type}|77|{processing}|{version}|||||FRA|UNICODE UTF-8\r"
PID = "PID|1||1^^^CH^PI||ESSAI^ANNE||19780214|F\r"
OBX = "OBX|1|NM|A^B||5|||||F\r"


def oru(rest: str, *, version: str = "2.5", type_: str = "ORU^R01", processing: str = "P") -> bytes:
    return (MSH.format(type=type_, version=version, processing=processing) + rest).encode()


def refusal_of(message: bytes) -> tuple[Finding, ...]:
    try:
        reading = read_hl7v2(message)
    except UnreadableDocument as error:
        return error.findings
    found = (*reading.findings, *refusals(reading, Mode.PRODUCTION))
    return tuple(finding for finding in found if finding.severity is Severity.ERROR)


REFUSALS = {
    "100": (OBX, {}, "PID^1"),
    "101": (PID.replace("ESSAI^ANNE", "") + OBX, {}, "PID^1^5"),
    "102": (PID + "OBX|1|ED|A^B||^a^pdf^Base64^@@@@||||||F\r", {}, "OBX^1^5"),
    "103": (PID + "OBX|1|ED|A^B||^a^pdf^Base32^MFRGG||||||F\r", {}, "OBX^1^5"),
    "198": (PID + PID, {"type_": "ADT^A31"}, "PID^2"),
    "199": (PID + "ZBE|1|20260115||CANCEL\r", {"type_": "ADT^A03"}, "ZBE^1^4"),
    "200": (PID, {"type_": "ORM^O01"}, "MSH^1^9"),
    "201": (PID, {"type_": "ADT^A16"}, "MSH^1^9^1^2"),
    "202": (PID + OBX, {"processing": "T"}, "MSH^1^11"),
    "203": (PID + OBX, {"version": "3.0"}, "MSH^1^12"),
}


@pytest.mark.parametrize("condition", REFUSALS)
def test_the_refusal_has_its_segment_its_field_and_its_condition(condition: str) -> None:
    rest, header, place = REFUSALS[condition]
    message = oru(rest, **header)
    complaints = complaints_of(refusal_of(message))
    text = acknowledge(read_msh(message) or DEFAULT, Answer.CORRECT, letter="L", at=NOW, complaints=complaints).decode()

    (line,) = (line for line in text.split("\r") if line.startswith("ERR"))
    fields = line.split("|")
    assert fields[2] == place
    assert fields[3] == f"{condition}^{CONDITIONS[condition]}^HL70357"
    assert fields[4] == "E"
    if condition != "203":
        judged = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
        assert judged.validate()
        assert judged.err.err_3.err_3_1.value == condition


@pytest.mark.parametrize("version", ["2.3.1", "2.4"])
@pytest.mark.parametrize("condition", [code for code in REFUSALS if code != "203"])
def test_the_same_refusal_in_the_shape_and_table_of_an_older_version(condition: str, version: str) -> None:
    rest, header, place = REFUSALS[condition]
    message = oru(rest, version=version, **header)
    complaints = complaints_of(refusal_of(message))
    text = acknowledge(read_msh(message) or DEFAULT, Answer.CORRECT, letter="L", at=NOW, complaints=complaints).decode()

    (line,) = (line for line in text.split("\r") if line.startswith("ERR"))
    older = {"198": "100", "199": "207"}.get(condition, condition)
    segment, sequence, field = (*place.split("^"), "")[:3]
    assert line == f"ERR|{segment}^{sequence}^{field}^{older}&{CONDITIONS[older]}"
    assert parse_message(text, validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_207_says_that_the_fault_is_ours_and_no_finding_has_it() -> None:
    complaint = Complaint(condition="207", code="4.3.0", words="Internal fault, send again later")
    message = oru(PID + OBX)
    text = acknowledge(read_msh(message) or DEFAULT, Answer.AGAIN, letter="L", at=NOW, complaints=(complaint,)).decode()

    assert "MSA|AR|77" in text
    assert "|207^Application internal error^HL70357|" in text
    assert "207" not in CONDITION_OF_CODE.values()
    assert condition_of(Finding(severity=Severity.ERROR, place="x", code="never-heard-of", message="m")) != "207"


def test_an_accepted_message_has_no_err() -> None:
    text = acknowledge(read_msh(oru(PID)) or DEFAULT, Answer.TAKEN, letter="L", at=NOW).decode()
    assert "ERR" not in text
    assert "MSA|AA|77" in text


def codes_in(path: Path) -> set[str]:
    """The codes of ``error("…")``, ``_refuse("…")`` and their kind in a source file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            at = {"error": 0, "_refuse": 0, "_finding": 1, "_error": 1}.get(node.func.id)
            if at is not None and len(texts) > at:
                found.add(texts[at])
    return found


def test_each_error_of_the_reader_of_the_admission_and_of_the_door_has_its_condition() -> None:
    sources = [*(ROOT / "gateway/parsers/hl7v2").glob("*.py"), ROOT / "gateway/ingest/mllp/answering.py"]
    sources += [ROOT / "gateway/admission.py", ROOT / "gateway/parsers/payload.py"]
    codes = set().union(*map(codes_in, sources))

    assert len(codes) > 25
    assert codes - CONDITION_OF_CODE.keys() == set()
