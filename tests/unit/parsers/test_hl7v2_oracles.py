"""Generated messages: our thin reader, hl7apy and python-hl7 read the same fields (design.md, decision 9)."""

from __future__ import annotations

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.document import Result
from gateway.parsers.hl7v2 import read_hl7v2
from gateway.parsers.hl7v2.er7 import Message
from gateway.parsers.hl7v2.frame import open_message
from gateway.parsers.hl7v2.results import Report
from gateway.parsers.hl7v2.usual import UsualResults

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
    st.sampled_from(["g/dL", "g/dL^gramme^UCUM", " g/dL ", "", "^g", "10^9/L", " x10^12/L", "10"]),
    st.one_of(st.tuples(NUMBERS, NUMBERS).map("-".join), st.sampled_from(["", "<5", "12 - 16", "Négatif"])),
    st.sampled_from(["", "L", "HH", "Q", "L~A", " H"]),
    st.sampled_from(["F", "C", "", "P", "W", "?"]),
    st.sampled_from(
        ["", "|", "|||", "|||20260115083000||LABO^Labo", "|||2026^x|", "||||||M^Méthode", "||||||||||||LABO"]
    ),
)


class CarefulReport(Report):
    """Each result by the whole way."""

    def _quickly(self, usual: UsualResults, index: int) -> None:
        return None


def both(content: bytes) -> tuple[Report, Report]:
    """What the quick and the whole way make of the same message, which must not be told apart."""
    reports, told = (Report(), CarefulReport()), ([], [])
    for report, findings in zip(reports, told, strict=True):
        report.read(open_message(content, []), findings)
    quick, careful = reports
    assert (quick.results, quick.notes, told[0]) == (careful.results, careful.notes, told[1])
    return quick, careful


def quickly(content: bytes) -> Result | None:
    usual = UsualResults(open_message(content, []))
    return next(filter(None, (usual.result(index, lambda _: None) for index in range(content.count(b"\r")))), None)


@given(rows=st.lists(USUAL, min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_the_quick_way_for_the_usual_result_gives_what_the_whole_way_gives(rows: list[tuple[str, ...]]) -> None:
    lines = [
        f"OBX|{number}|{kind}|{name}||{value}|{unit}|{bounds}|{flag}|||{status}{more}\rNTE|1||a note"
        for number, (kind, name, value, unit, bounds, flag, status, more) in enumerate(rows, 1)
    ]
    both("\r".join(["MSH|^~\\&|A", "OBR|1|||GLY^Glucose|||20260115", *lines, ""]).encode())


def test_the_usual_result_goes_the_quick_way() -> None:
    content = b"MSH|^~\\&|A\rOBX|1|NM|718-7^Hemoglobine^LN||11.4|g/dL|12.0-16.0|L|||F\r"
    assert quickly(content) == both(content)[1].results[0]


@pytest.mark.parametrize("more", ["||||||METHODE", "||||||||||||LABO", "|||20260115|||||||||LABO^x"])
def test_a_method_and_a_laboratory_go_the_whole_way(more: str) -> None:
    content = f"MSH|^~\\&|A\rOBX|1|NM|718-7^Hemoglobine^LN||11.4|g/dL|12.0-16.0|L|||F{more}\r".encode()
    assert quickly(content) is None
    both(content)


@pytest.mark.parametrize(
    "marks", [b"-^~\\&", b".^~\\&", b"|-~\\&", b"|.~\\&", b"|^-\\&", b"+*~\\&", b"]^~\\&", b"|\\~^&"]
)
def test_a_result_written_with_other_marks_is_read_as_the_whole_way_reads_it(marks: bytes) -> None:
    usual = b"OBX|1|NM|718^Hemoglobine||11.4|g/dL^^UCUM|12.0-16.0|L|||F|"
    line = usual.replace(b"|", marks[:1]).replace(b"^", marks[1:2])
    content = b"MSH" + marks + marks[:1] + b"A\r" + line + b"\r"
    both(content)
    assert bool(quickly(content)) == set(b".-").isdisjoint(marks)


@pytest.mark.parametrize("odd", [b"a~b", b"a\\T\\b", b"a&b", b'""', b"a\x07b", "é".encode(), b"", b"a\nb"])
def test_lines_that_need_no_care_are_found_together_as_they_are_one_by_one(odd: bytes) -> None:
    lines = [b"MSH|^~\\&|A", b"OBX|1|ST|A^B||" + odd + b"|u", b"OBX|2|NM|C^D||5|g", b"OBX|3|TX|E^F"]
    message = Message(open_message(b"MSH|^~\\&|A\r", []).delimiters, lines, "utf-8", b"")
    texts = {index: lines[index].decode() for index in (1, 2, 3)}
    assert message.plain_lines(b"OBX") == {index: text for index, text in texts.items() if message.is_plain(text)}
    assert (1 in message.plain_lines(b"OBX")) == (odd in {b"", "é".encode()})


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
