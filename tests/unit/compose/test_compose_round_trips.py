"""What goes through HPRIM Médecin comes back: every value, comparator, unit, limit, flag and comment, or its loss.

HL7 v2 ORU → Document → HPRIM Médecin → Document, and HPRIM Médecin → Document → HPRIM Médecin, with generated reports.
"""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gateway.compose.hprim_results import lab_block
from gateway.compose.latin import Latin1
from gateway.compose.results import is_bare, is_withdrawn, value_of
from gateway.compose.words import FRENCH
from gateway.document import Document, Identifier, Kind, Measure, Original, Patient, Result, Severity, Stay
from gateway.letter import Form
from gateway.parsers.hprim.lines import without_html
from gateway.parsers.read import read

generously = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
OF_THE_CONTENT = {"result-not-validated", "thousands-or-decimals", "mojibake", "result-status"}
"""Warnings about what the sender said, which any faithful copy brings again."""
FLAGS = {"N", "L", "H", "LL", "HH"}
STATUSES = {"": "", "F": "F", "U": "F", "C": "C"}

letters = string.ascii_letters + "éèàçêÉœ’µ°αŁ漢"
signs = string.digits + " .,;:%/()-+'*|<>=≤≥^"
names = st.text(string.ascii_letters + "éèçÉ-' ", min_size=1, max_size=30).filter(lambda name: name.strip(" -'"))
labels = st.text(letters + signs, min_size=1, max_size=70).filter(
    lambda text: any(sign.isalnum() for sign in text) and text == without_html(text)
)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-99, max_value=9999).map(str)
texts = st.text(letters + signs, max_size=130).filter(lambda text: text == without_html(text))
units = st.sampled_from(["", "g/L", "mmol/L", "10^9/L", "%", "µg/L", "UI/L", "G/L", "≤ UI|x"])
comments = st.lists(texts, max_size=3).map("\n".join)
results = st.builds(
    Result,
    label=labels,
    code=st.text(string.ascii_uppercase + string.digits + "()", max_size=8),
    value=numbers | texts | comments,
    unit=units,
    low=st.just("") | numbers,
    high=st.just("") | numbers,
    flag=st.sampled_from(["", "N", "L", "H", "LL", "HH", "A", "AA", "*", "POS"]),
    status=st.sampled_from(["", "F", "F", "F", "C", "U", "P", "R", "I", "X", "D"]),
    second=st.none() | st.builds(Measure, value=numbers, unit=units.filter(bool), low=numbers, high=numbers),
    comment=st.just("") | comments,
)
measured = st.builds(
    Result,
    label=labels,
    value=numbers,
    comparator=st.sampled_from([None, "<", ">", "<=", ">="]),
    unit=units,
    low=numbers,
    high=numbers,
    flag=st.sampled_from(["", *FLAGS]),
    status=st.sampled_from(["F", "C"]),
    numeric=st.just(True),
)
patients = st.builds(
    Patient,
    family=names,
    given=names,
    birth_date=st.dates(min_value=datetime(1900, 1, 2, tzinfo=UTC).date()).map(str),
    sex=st.sampled_from([None, "F", "M"]),
    used_family=st.just("") | names,
    address=st.sampled_from([(), ("1 RUE DES ESSAIS", "99999 VILLE"), ("1 RUE", "BAT B", "ESC C", "99999 VILLE")]),
    identifiers=st.sampled_from(
        [
            (Identifier(value="IPP1", type="PI"), Identifier(value="2 78 02 99 999 123 10", type="NIR")),
            (Identifier(value="a long number / of theirs", type="PI"), Identifier(value="278029999912311", type="NIR")),
        ]
    ),
)
reports = st.builds(
    Document,
    kind=st.just(Kind(loinc="11502-2", label="CR d'examens biologiques")),
    original=st.just(Original(format="hl7v2", content=b"MSH|")),
    patient=patients,
    stay=st.none() | st.builds(Stay, visit=st.just("V1"), file_number=st.none() | st.just("F1")),
    written_at=st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    text=comments,
    results=st.lists(measured | results, min_size=1, max_size=6).map(tuple),
)


def plain(text: str) -> str:
    """As both sides may write it: spelled for ISO-8859-1, decimal points, no star, one kind of blank and of bar."""
    spelled = Latin1()(text).replace("|", "¦").replace("*", "")
    return " ".join(re.sub(r"(?<=\d),(?=\d)", ".", spelled).split()).replace("< =", "<=").replace("> =", ">=")


def squeezed(text: str) -> str:
    return "".join(plain(text).split())


def told(document: Document) -> str:
    """Everything that a reader of the record sees."""
    return squeezed("".join((document.text, *(f"{one.label}{value_of(one)}{one.comment}" for one in document.results))))


def rows(document: Document) -> list[Result]:
    return [one for one in document.results if not (is_bare(one) or is_withdrawn(one))]


def check_kept(source: Document, back: Document) -> None:
    """Every result of ``source`` is in ``back`` as a field, or in its words beside a loss that names it."""
    losses = {(loss.place, loss.code) for loss in lab_block(source.results, Latin1(), FRENCH)[1]}
    everything = told(back)
    there = iter(rows(back))
    for index, result in enumerate(source.results):
        lost = {code for place, code in losses if place == f"results[{index}]"}
        assert squeezed(result.comment) in everything
        if is_bare(result):
            assert squeezed(result.label) in everything
            assert not result.flag or ("result-flag" in lost and squeezed(f"indicateur {result.flag}") in everything)
            continue
        if is_withdrawn(result):
            assert "result-withdrawn" in lost
            assert squeezed(result.label) in everything
            continue
        kept = next(there)
        assert plain(kept.label) == plain(result.label).removeprefix("- ").rstrip(" :")
        if "result-long" in lost:
            assert squeezed(value_of(result)) in everything
        else:
            assert squeezed(f"{value_of(kept)}{kept.unit}") == squeezed(f"{value_of(result)}{result.unit}")
        assert (plain(kept.low), plain(kept.high)) == (plain(result.low), plain(result.high))
        if result.flag in FLAGS or not result.flag:
            assert kept.flag in {result.flag, "*" if "*" in result.value else result.flag}
        else:
            assert "result-flag" in lost
            assert squeezed(f"indicateur {result.flag}") in everything
        assert kept.status == STATUSES.get(result.status, "R")
        assert result.status in {*STATUSES, "P", "R"} or "result-status" in lost
        if result.second is not None:
            assert kept.second is not None
            assert [plain(one) for one in _four(kept.second)] == [plain(one) for one in _four(result.second)]
    assert next(there, None) is None, "nothing was added"


def _four(measure: Measure) -> tuple[str, str, str, str]:
    return (measure.value, measure.unit, measure.low, measure.high)


def has_results(document: Document) -> bool:
    return any(one.value.strip() for one in document.results)


@pytest.fixture
def through_hprim(compose):
    def passed(document: Document) -> tuple[bytes, Document]:
        record = compose(document, forms=(Form.HPRIM_ATTACHED,)).file(".hpr")
        reading = read(record, name="a.hpr")
        serious = [one for one in reading.findings if one.severity is not Severity.NOTE]
        assert [one for one in serious if one.code not in OF_THE_CONTENT] == []
        (back,) = reading.documents
        return record, back

    return passed


@generously
@given(source=reports)
def test_a_report_written_as_hprim_is_read_back_without_a_remark_and_keeps_its_results(through_hprim, source):
    assume(has_results(source))
    _, back = through_hprim(source)
    check_kept(source, back)
    assert back.patient.birth_date == source.patient.birth_date
    assert plain(back.patient.family) == plain(source.patient.family.upper())


@generously
@given(source=reports)
def test_what_was_read_from_hprim_is_written_as_the_same_hprim(through_hprim, source):
    assume(has_results(source))
    record, first = through_hprim(source)
    again, second = through_hprim(replace(first, original=source.original))
    assert again.split(b"\r\n")[:12] == record.split(b"\r\n")[:12], "the twelve lines"
    check_kept(first, second)
    assert rows(second) == rows(first)
    assert squeezed(first.text) in squeezed(second.text)


@generously
@given(text=texts, patient=patients)
def test_a_letter_written_as_hprim_keeps_its_words(through_hprim, discharge, text, patient):
    _, back = through_hprim(replace(discharge, text=f"Cher confrère\n{text}", patient=patient))
    assert squeezed(text.replace("RES|", "RES/").replace("TEX|", "TEX/")) in told(back)
    assert back.results == ()


def _escaped(text: str) -> str:
    """HL7 v2 §2.7: the delimiters of the message in the words of the message."""
    escapes = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"}
    return "".join(escapes.get(sign, sign) for sign in text)


def _oru(items: list[Result], *, note: str) -> bytes:
    lines = [
        "MSH|^~\\&|LABESSAI|LAB|HUB|CH|20260112081500||ORU^R01|C1|P|2.5|||||FRA|UNICODE UTF-8",
        "PID|1||IPP1^^^CH&1.2.250.1.999.1&ISO^PI||TESTINI^AMELIE^^^^^L||19780214|F",
        "OBR|1|O1|O1|HEM^HEMATOLOGIE^L|||20260112080000|||||||||||||||20260112081500||LAB|F",
    ]
    for number, one in enumerate(items, start=1):
        limits = f"{one.low}-{one.high}" if one.low and one.high else f"<{one.high}" if one.high else ""
        kind, value = ("NM", one.value) if one.numeric and not one.comparator else ("ST", value_of(one))
        if one.comparator:
            kind, value = "SN", f"{one.comparator}^{one.value}"
        shown = value if kind == "SN" else _escaped(value)
        fields = ("OBX", str(number), kind, f"{_escaped(one.code)}^{_escaped(one.label)}^L", "", shown)
        lines.append("|".join((*fields, _escaped(one.unit), limits, one.flag, "", "", one.status or "F")))
        if one.comment:
            lines.append(f"NTE|1|L|{_escaped(one.comment)}")
    return ("\r".join(lines) + f"\rNTE|2|L|{_escaped(note)}\r").encode()


positive = st.decimals(allow_nan=False, allow_infinity=False, places=1, min_value=0, max_value=999).map(str)
clean = st.text(letters.replace("漢", "") + " .;:%/()'", min_size=3, max_size=50).filter(
    lambda text: text.strip(" .;:%/()'") and text == without_html(text)
)
observed = st.builds(
    Result,
    label=clean,
    code=st.text(string.ascii_uppercase, min_size=1, max_size=6),
    value=positive,
    comparator=st.sampled_from([None, None, "<", ">"]),
    unit=units,
    low=st.just("") | positive,
    high=positive,
    flag=st.sampled_from(["", "N", "L", "H", "LL", "HH", "A"]),
    status=st.sampled_from(["F", "C", "P", "X"]),
    numeric=st.just(True),
    comment=st.just("") | clean,
)
worded = st.builds(
    Result, label=clean, code=st.just("T"), value=clean, status=st.just("F"), comment=st.just("") | clean
)


@generously
@given(items=st.lists(observed | worded, min_size=1, max_size=8), note=clean)
def test_an_oru_read_and_written_as_hprim_keeps_every_result(through_hprim, items, note):
    assume(any(item.status != "X" for item in items))
    reading = read(_oru(items, note=note))
    assert [one.code for one in reading.findings if one.severity is Severity.ERROR] == []
    (document,) = reading.documents
    _, back = through_hprim(document)
    check_kept(document, back)
    everything = told(back)
    kept = iter(rows(back))
    for item in items:
        assert squeezed(item.comment) in everything
        if item.status == "X":
            continue
        one = next(kept)
        assert squeezed(value_of(one) + one.unit) == squeezed(value_of(item) + item.unit)
        if item.low:
            assert (one.low, one.high) == (item.low, item.high)
        assert one.flag == item.flag or squeezed(f"indicateur {item.flag}") in everything


def test_the_check_sees_a_value_a_unit_a_limit_a_flag_and_a_comment_that_went_missing(through_hprim, lab):
    _, back = through_hprim(lab)
    check_kept(lab, back)
    first = rows(back)[0]
    place = back.results.index(first)
    for broken in (
        replace(first, value="1.4"),
        replace(first, comparator="<"),
        replace(first, unit="g/L"),
        replace(first, low="1.0"),
        replace(first, flag="H"),
        replace(first, status="R"),
    ):
        changed = (*back.results[:place], broken, *back.results[place + 1 :])
        with pytest.raises(AssertionError):
            check_kept(lab, replace(back, results=changed))
    with pytest.raises(AssertionError):
        check_kept(lab, replace(back, text="", results=tuple(rows(back))))
    with pytest.raises((AssertionError, StopIteration)):
        check_kept(lab, replace(back, results=(*back.results[:place], *back.results[place + 1 :])))


def test_a_comment_never_becomes_the_title_of_the_next_result(through_hprim, lab):
    """A line of text above a RES is its title to readers: "hémolysé" about potassium must not head the sodium."""
    potassium = replace(lab.results[2], comment="Échantillon hémolysé")
    _, back = through_hprim(replace(lab, results=(potassium, lab.results[3])))
    assert "Échantillon hémolysé" in back.text
    assert [one.label for one in back.results] == ["Potassium", "Sodium"]
