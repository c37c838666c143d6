"""The line that a finding is about: found by the place the reader names, cut to fit, with a mark under it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.parsers.excerpt import WIDTH, excerpt

MSH = "MSH|^~\\&|LABO|H|G|H|20260112||ORU^R01|7|P|2.5"
HL7 = f"{MSH}\rPID|||IPP42^^^H||TESTINI^AMELIE||31021978|F\rOBX|1|NM|K||4,8\rOBX|2|NM|NA||139\r".encode()
HPRIM = b"C1\r\nTESTINI\r\nAMELIE\r\nRES|Glucose|GLU|N|5,27|mmol/L\r\n"
SANTE = b"H~^|@~x~y\rOBX~1~NM~GLU~~5\r"


def marked(content: bytes, place: str) -> tuple[int | None, str, str]:
    """The line, its text, and the text from the mark on."""
    found = excerpt(content, place)
    assert found is not None
    return found.line, found.text, "" if found.caret is None else found.text[found.caret :]


@pytest.mark.parametrize(
    ("content", "place", "line", "behind"),
    [
        (HL7, "PID-5", 2, "TESTINI^AMELIE||31021978|F"),
        (HL7, "PID-7", 2, "31021978|F"),
        (HL7, "MSH-9", 1, "ORU^R01|7|P|2.5"),
        (HL7, "MSH-9.2", 1, "ORU^R01|7|P|2.5"),
        (HL7, "OBX[2]-5", 4, "139"),
        (HL7, "PID", 2, ""),
        (HL7.replace(b"\r", b"\r\n"), "OBX[1]-5", 3, "4,8"),
        (HPRIM, "line 2", 2, ""),
        (HPRIM, "RES line 4 field 5", 4, "5,27|mmol/L"),
        (SANTE, "OBX line 2 field 6", 2, "5"),
        (HPRIM, "byte 4", 2, "TESTINI"),
        (HPRIM, "character 6", 2, "ESTINI"),
        (HL7, "PID-30", 2, ""),
    ],
)
def test_a_place_is_found_in_the_file(content: bytes, place: str, line: int, behind: str) -> None:
    found = marked(content, place)
    assert (found[0], found[2]) == (line, behind)


@pytest.mark.parametrize(
    "place", ["ZBE-4", "OBX-5", "OBX[3]-5", "line 40", "byte 9999", "part 1.2", "Content-Type", "file"]
)
def test_a_place_that_is_not_one_line_of_this_file_has_no_excerpt(place: str) -> None:
    assert excerpt(HL7, place) is None


def test_a_long_line_is_cut_around_its_mark() -> None:
    content = b"MSH|^~\\&|\rOBX|1|ED|" + b"x" * 500 + b"|here|" + b"y" * 500 + b"\r"
    line, text, behind = marked(content, "OBX-4")
    assert (line, len(text), text[0], text[-1]) == (2, WIDTH, "…", "…")
    assert behind.startswith("here|yyy")


def test_bytes_that_are_no_text_are_shown_as_numbers() -> None:
    content = bytes(range(60))
    line, text, behind = marked(content, "byte 20")
    assert line is None
    assert text.startswith("0000000e  0e 0f 10 11 12 13 14")
    assert behind.startswith("14 15")
    assert len(text) <= WIDTH


@given(
    st.binary(max_size=300), st.sampled_from(["byte 7", "character 3", "line 2 field 4", "PID-3", "MSH-9", "OBX[2]-5"])
)
def test_any_bytes_have_an_excerpt_that_fits_or_none(content: bytes, place: str) -> None:
    found = excerpt(content, place)
    assert found is None or (len(found.text) <= WIDTH and (found.caret or 0) <= len(found.text))
