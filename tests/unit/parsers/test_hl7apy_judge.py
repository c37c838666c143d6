"""hl7apy as the judge of `--strict`: its traps are fenced in one wrapper, and what it says quotes no letter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import Severity
from gateway.parsers import judge as judging
from gateway.parsers.judge import judge


def test_hl7apy_raises_on_prt_in_2_6_and_the_judge_only_says_that_he_cannot_judge(vectors: Path) -> None:
    message = (vectors / "hl7v2/mdm_t02_cda_n1.hl7").read_bytes()
    text = message.decode().replace("\n", "\r")
    with pytest.raises(HL7apyException):
        parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
    assert all(one.severity is not Severity.ERROR for one in judge(message))


def test_a_segment_that_the_standard_asks_for_is_missed(vectors: Path) -> None:
    (missing,) = judge((vectors / "hl7v2/oru_r01_cda_n3.hl7").read_bytes())
    assert (missing.code, missing.severity, missing.place) == ("hl7apy-invalid", Severity.WARNING, "OBR")
    assert missing.message == "Missing required child ORU_R01_ORDER_OBSERVATION.OBR"


def test_a_value_outside_a_table_is_a_note_whose_message_does_not_quote_it(vectors: Path) -> None:
    content = (vectors / "hl7v2/oru_r01_lab.hl7").read_bytes()
    message = re.sub(rb"(PID(?:\|[^|\r]*){7}\|)F", rb"\1TESTINI", content)
    found = [one for one in judge(message) if one.detail == "TESTINI"]
    assert found
    assert all(one.severity is Severity.NOTE and "TESTINI" not in one.message for one in found)
    assert found[0].place == "PID-8"


def test_values_of_the_french_extensions_are_no_deviation(vectors: Path) -> None:
    assert judge((vectors / "hl7v2/adt_a03_discharge.hl7").read_bytes()) == ()


def test_nothing_of_the_message_is_written_to_a_disk(
    vectors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    judge((vectors / "hl7v2/oru_r01_lab.hl7").read_bytes())
    assert list(tmp_path.iterdir()) == []


def test_a_message_that_would_take_seconds_is_not_judged() -> None:
    (told,) = judge(b"MSH|^~\\&|" + b"x" * judging.MOST)
    assert told.code == "hl7apy-unable"


@given(st.binary(max_size=120))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_judged_or_said_to_be_beyond_judging(content: bytes) -> None:
    assert {one.code for one in judge(b"MSH|^~\\&|" + content)} <= {"hl7apy-unable", "hl7apy-invalid"}
