"""Generated messages: our thin reader, hl7apy and python-hl7 read the same fields (design.md, decision 9)."""

from __future__ import annotations

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document import Finding
from gateway.parsers.hl7v2 import read_hl7v2
from gateway.parsers.hl7v2.er7 import Message
from gateway.parsers.hl7v2.frame import open_message
from gateway.parsers.hl7v2.results import Report, _usual, read_result

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LETTERS = st.text("abcXYZ019 .,-éèœ€'/()|^~\\&", max_size=12).map(str.strip)
ESCAPES = {"|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\\": "\\E\\"}


def er7(text: str) -> str:
    return "".join(ESCAPES.get(mark, mark) for mark in text)


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """An ORU, and the texts of OBX-3 (three components) and OBX-5 of each result."""
    rows = draw(st.lists(st.tuples(LETTERS, LETTERS, LETTERS, LETTERS, LETTERS), min_size=1, max_size=4))
    lines = ["MSH|^~\\&|SIL|LABO|P|CH|20260116084500||ORU^R01^ORU_R01|77|T|2.5|||||FRA|UNICODE UTF-8"]
    lines += ["PID|1||P42^^^CH&999900004&M^PI||ESSAI^ANNE", "OBR|1||E1|GLY^Glycémie"]
    for number, (code, label, system, value, unit) in enumerate(rows, 1):
        name = "^".join(map(er7, (code, label, system)))
        lines.append(f"OBX|{number}|ST|{name}||{er7(value)}|{er7(unit)}|||||F")
    return "\r".join(lines) + "\r", [list(row) for row in rows]


def ours(text: str) -> list[list[str]]:
    message = open_message(text.encode(), [])
    return [[obx.get(3), obx.get(3, 2), obx.get(3, 3), obx.get(5), obx.get(6)] for obx in message.all(b"OBX")]


@given(made=messages())
@FEW
def test_what_was_written_is_what_is_read(made: tuple[str, list[list[str]]]) -> None:
    text, rows = made
    assert ours(text) == rows


@given(made=messages())
@FEW
def test_hl7apy_reads_the_same_fields(made: tuple[str, list[list[str]]]) -> None:
    text, rows = made
    judged = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    message = open_message(text.encode(), [])
    for obx, (segment, row) in zip(judged.obx, zip(message.all(b"OBX"), rows, strict=True), strict=True):
        for number in (3, 5, 6):
            theirs = getattr(obx, f"obx_{number}").to_er7() if segment.raw_field(number) else ""
            assert segment.raw_field(number).rstrip("^") == theirs.rstrip("^")
        assert segment.get(5) == row[3]


@given(made=messages())
@FEW
def test_python_hl7_reads_the_same_fields(made: tuple[str, list[list[str]]]) -> None:
    text, rows = made
    judged = hl7.parse(text)
    for number, row in enumerate(rows, 1):
        for at, (field, component) in enumerate([(3, 1), (3, 2), (3, 3), (5, 1), (6, 1)]):
            theirs = judged.extract_field("OBX", number, field, 1, component, 1) or ""
            assert theirs.strip() == row[at]


NUMBERS = st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?", fullmatch=True)
USUAL = st.tuples(
    st.sampled_from(["NM", "ST", "SN", " NM"]),
    st.sampled_from(["718-7^Hémoglobine^LN", "HB^ Hb ^L^718-7^Hémoglobine^LN", "HB", "^Hb", "HB^"]),
    st.one_of(NUMBERS, st.sampled_from(["<0.5", "4,2", "", "n.f.", "1~2"])),
    st.sampled_from(["g/dL", "g/dL^gramme^UCUM", " g/dL ", "", "^g"]),
    st.one_of(st.tuples(NUMBERS, NUMBERS).map("-".join), st.sampled_from(["", "<5", "12 - 16", "Négatif"])),
    st.sampled_from(["", "L", "HH", "Q", "L~A", " H"]),
    st.sampled_from(["F", "C", "", "P", "W", "?"]),
)


@given(row=USUAL)
@settings(max_examples=300, deadline=None)
def test_the_quick_way_for_the_usual_result_gives_what_the_whole_way_gives(row: tuple[str, ...]) -> None:
    kind, name, value, unit, bounds, flag, status = row
    line = f"OBX|1|{kind}|{name}||{value}|{unit}|{bounds}|{flag}|||{status}|"
    obx = open_message(f"MSH|^~\\&|A\r{line}\r".encode(), []).first(b"OBX")
    findings: list[Finding] = []
    if quick := _usual(obx):
        assert quick == read_result(obx, obx.get(2), findings)
        assert not findings


def test_the_usual_result_goes_the_quick_way() -> None:
    line = b"OBX|1|NM|718-7^Hemoglobine^LN||11.4|g/dL|12.0-16.0|L|||F\r"
    assert _usual(open_message(b"MSH|^~\\&|A\r" + line, []).first(b"OBX"))


@pytest.mark.parametrize("odd", [b"a~b", b"a\\T\\b", b"a&b", b'""', b"a\x07b", "é".encode(), b"", b"a\nb"])
def test_splitting_all_results_at_once_changes_nothing(odd: bytes) -> None:
    lines = [b"MSH|^~\\&|A", b"OBX|1|ST|A^B||" + odd + b"|u", b"OBX|2|NM|C^D||5|g", b"OBX|3|TX|E^F"]

    def read(*, at_once: bool) -> list[list[str]]:
        message = Message(open_message(b"MSH|^~\\&|A\r", []).delimiters, lines, "utf-8", b"")
        if at_once:
            message.split_at_once(b"OBX")
        return [[*obx.components(3), obx.get(5), obx.text(5), obx.get(6)] for obx in message.all(b"OBX")]

    assert read(at_once=True) == read(at_once=False)


def test_a_note_behind_a_file_is_no_comment_of_the_result_before_it() -> None:
    report = Report()
    message = open_message(
        b"MSH|^~\\&|A\rOBX|1|NM|A^B||5\rOBX|2|RP|D^E||file\rNTE|1||about the file\rOBX|3|NM|A^B||6\rNTE|1||about 6\r",
        [],
    )
    report.read(message, [])
    assert [one.comment for one in report.results] == ["", "about 6"]
    assert report.notes == ["about the file"]


def test_flags_count_without_the_name_of_the_profile() -> None:
    content = (
        b"MSH|^~\\&|A|LAB|C|D|2026||ORU^R01|7|T|2.5\rPID|1||P1||T^A\rOBX|1|TX|11490-0^Lettre^LN||Bonjour||||||F\r"
        b"OBX|2|CE|MASQUE_PS^m^MetaDMPMSS||Y||||||F\rOBX|3|CE|MODIF_CONF_CODE^m^MetaDMPMSS||Y||||||F\r"
    )
    (document,) = read_hl7v2(content).documents
    assert (document.wishes.hidden_from_professionals, document.wishes.confidentiality_changed) == (True, True)
    assert document.text == "Bonjour"
