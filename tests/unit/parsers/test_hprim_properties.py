"""HPRIM under any bytes: a reading or one clear refusal, no identity made up, no value changed on the way."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import Reading, Result, Severity
from gateway.parsers.charsets import decode
from gateway.parsers.hprim import read_hprim_medecin, read_hprim_sante
from gateway.parsers.hprim import results as res
from gateway.parsers.hprim.lines import Line, split_lines
from tests.fuzz.target import read_or_refused

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "hprim"
MEDECIN = [path.read_bytes() for path in sorted(VECTORS.rglob("*.hpr")) if "sante" not in path.name]
SANTE = [path.read_bytes() for path in sorted(VECTORS.rglob("*sante*.hpr"))]
HEADER = (
    "IPP1", "TESTINI", "AMELIE", "", "", "", "14/02/1978", "", "26D1", "12/01/2026", "LABESSAI   labo", "MED1       x",
)  # fmt: skip

numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,2})?", fullmatch=True)
words = st.text("abcdeéèàçHKLT µ", min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)
units = st.sampled_from(["", "g/L", "mmol/L", "µg/L", "%", "10^9/L", "/mm3"])


@st.composite
def damaged(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A file with lines lost, doubled and moved, pieces cut out, bytes put in: what transports do."""
    lines = draw(st.sampled_from(files)).split(b"\n")
    for _ in range(draw(st.integers(0, 3))):
        at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        match draw(st.sampled_from(("lose", "double", "move", "cut", "put"))):
            case "lose" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(to, line)
            case "move":
                lines.insert(to, lines.pop(at))
            case "cut":
                lines[at] = line[: draw(st.integers(0, len(line)))]
            case _:
                lines[at] = line + draw(
                    st.sampled_from([b"|", b"~", b"\x00", b"\x8e", b"****FIN****", b"\xff", b"^&\\"])
                )
    content = b"\n".join(lines)
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


@given(content=st.one_of(st.binary(max_size=400), damaged(MEDECIN)))
def test_any_bytes_give_hprim_medecin_or_one_clear_refusal(content: bytes) -> None:
    read_or_refused(read_hprim_medecin, content)


@given(content=st.one_of(st.binary(max_size=400).map(b"H|~^\\&|".__add__), damaged(SANTE)))
def test_any_bytes_give_hprim_sante_or_one_clear_refusal(content: bytes) -> None:
    read_or_refused(read_hprim_sante, content)


def identity(reading: Reading) -> list[str]:
    said = []
    for patient in filter(None, (document.patient for document in reading.documents)):
        said += [patient.family, patient.given, *(number.value for number in patient.identifiers)]
        said += re.findall(r"\d+", patient.birth_date)
    return said


@given(content=damaged(MEDECIN))
def test_whoever_a_damaged_medecin_file_is_about_stands_in_it(content: bytes) -> None:
    reading = read_hprim_medecin(content)
    text = decode(content).text.upper().replace(" ", "")
    months = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"}  # may stand in letters
    assert all(part.upper().replace(" ", "") in text or part in months for part in identity(reading))
    assert all(one.patient and one.patient.family and one.patient.given for one in reading.documents)
    assert all(one.patient and one.patient.birth_date for one in reading.documents)


@given(content=damaged(SANTE))
def test_whoever_a_damaged_sante_file_is_about_stands_in_it(content: bytes) -> None:
    reading = read_hprim_sante(content)
    text = re.sub(r"[\r\n]+[\x00-\x1f]*A[|!]", "", decode(content).text)
    assert all(part in text for part in identity(reading) if "\\" not in part)
    assert all(one.patient and one.patient.family and one.patient.birth_date for one in reading.documents)


@given(content=damaged(MEDECIN + SANTE))
def test_no_number_of_a_doctor_is_made_up(content: bytes) -> None:
    for reader in (read_hprim_medecin, read_hprim_sante):
        for document in reader(content).documents:
            for named in document.addressees:
                number = (named.rpps or named.adeli or "").encode()
                assert re.sub(rb"[\r\n]+[\x00-\x1f]*A[|!]", b"", content).find(number) >= 0
                assert named.mailbox is None


@st.composite
def res_lines(draw: st.DrawFn) -> tuple[str, ...]:
    second = draw(st.booleans())
    return (
        *("RES", draw(words), draw(st.from_regex(r"[A-Z0-9]{0,8}", fullmatch=True)), "N", draw(numbers), draw(units)),
        *(draw(st.one_of(st.just(""), numbers)), draw(st.one_of(st.just(""), numbers))),
        *(draw(st.sampled_from(["", "N", "L", "H", "LL", "HH"])), draw(st.sampled_from(["", "F", "C", "R"]))),
        *((draw(numbers), draw(units), draw(numbers), draw(numbers)) if second else ()),
    )


@given(lines=st.lists(res_lines(), min_size=1, max_size=5), line_end=st.sampled_from(["\r\n", "\n", "\r"]))
def test_every_value_unit_limit_flag_and_status_arrives(lines: list[tuple[str, ...]], line_end: str) -> None:
    file = (
        *HEADER,
        "",
        "x",
        "****LAB****",
        *("|".join(line) for line in lines),
        "****FIN****",
        "****FINFICHIER****",
        "",
    )
    reading = read_hprim_medecin(line_end.join(file).encode("utf-8"))
    (document,) = reading.documents
    assert [told(result) for result in document.results] == [
        tuple([*line[1:3], *line[4:], *[""] * 4][:12]) for line in lines
    ]


def told(result: Result) -> tuple[str, ...]:
    second = result.second
    more = (second.value, second.unit, second.low, second.high) if second else ("", "", "", "")
    first = (result.label, result.code, result.value, result.unit, result.low, result.high, result.flag, result.status)
    return (*first, *more)


loose = st.one_of(
    numbers, words, st.sampled_from(["", "12,9", "*5*", "< 5", "<5.0", "2-4", "224.000", "a&b", "<b>", "-", ":"])
)


@given(fields=st.lists(loose, min_size=1, max_size=15), kind=st.sampled_from(["N", "A", "T", "C", ""]))
def test_the_short_way_of_a_regular_line_gives_what_the_long_way_gives(fields: list[str], kind: str) -> None:
    fields[2:3] = [kind] if len(fields) > 2 else fields[2:3]
    line = Line(1, "|".join(("RES", *fields)), 0, 0)
    short = res._regular(line.text)
    long, remarks = res.read_result(line)
    assert short is None or (short == long and not remarks)


def test_most_of_a_real_report_takes_the_short_way() -> None:
    content = (VECTORS / "hprim_medecin_lab.hpr").read_bytes().decode("iso-8859-1")
    lines = [line for line in content.split("\r\n") if line.startswith("RES|")]
    assert [bool(res._regular(line)) for line in lines] == [True] * 4


@given(text=st.text("ab\r\n\x0b\x0c\x1c\x85\u2028", max_size=40))
def test_lines_are_those_between_cr_lf_and_crlf_and_join_to_the_text(text: str) -> None:
    lines = split_lines(text)
    assert "".join(text[line.start : line.end] for line in lines) == text
    parts = re.split(r"\r\n|\r|\n", text)
    assert [line.text for line in lines] == (parts if parts[-1] else parts[:-1])
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


def test_a_line_never_shows_its_text() -> None:
    assert "TESTINI" not in repr(split_lines("IPP1\r\nTESTINI\r\n"))


@given(content=st.binary(max_size=200))
def test_any_bytes_are_text_that_goes_back_to_the_same_bytes(content: bytes) -> None:
    decoded = decode(content)
    assert content[decoded.bom :] == decoded.text.encode(decoded.charset)
    assert decoded.offset(len(decoded.text)) == len(content)


@given(
    text=st.text("abcé Î\x00\x01\x08\x0b\x0e\x1a\x1f\x7f\t\n\r\x0c", max_size=30),
    charset=st.sampled_from(["utf-8", "latin-1"]),
)
def test_a_control_character_is_found_wherever_it_stands(text: str, charset: str) -> None:
    found = re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", text.rstrip("\x1a"))
    errors = [one for one in decode(text.encode(charset)).findings if one.severity is Severity.ERROR]
    assert [one.code for one in errors] == (["control-character"] if found else [])


@pytest.mark.parametrize("fill", [b"1", b"\\F", b"<a", b"^"])
@pytest.mark.parametrize(
    ("reader", "name", "code"),
    [
        (read_hprim_medecin, "hprim_medecin_lab", "line-too-long"),
        (read_hprim_sante, "hprim_sante_oru_2_4", "field-too-large"),
    ],
)
def test_ten_megabytes_in_a_field_are_refused_at_once(
    reader: Callable[[bytes], Reading], name: str, code: str, fill: bytes
) -> None:
    content = (VECTORS / f"{name}.hpr").read_bytes().replace(b"|11.4|", b"|" + fill * (10_000_000 // len(fill)) + b"|")
    began = time.process_time()
    reading = reader(content)
    assert time.process_time() - began < 2  # 0.2 s on a quiet machine
    assert code in {finding.code for finding in reading.findings if finding.severity is Severity.ERROR}


def test_a_pdf_of_ten_megabytes_in_a_message_is_no_such_field() -> None:
    pdf = b"%PDF-1.4\n" + b"x" * 7_500_000 + b"\n%%EOF\n"
    content = (VECTORS / "deviations" / "sante_pdf_inside.hpr").read_bytes()
    small = base64.b64encode(b"%PDF-1.4\n% essai\n%%EOF\n")
    reading = read_hprim_sante(content.replace(small, base64.b64encode(pdf), 1))
    assert reading.documents[0].attachments[0].content == pdf
