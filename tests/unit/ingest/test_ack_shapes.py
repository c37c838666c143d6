"""Our acknowledgements, judged by hl7apy, which did not write them (design.md, decision 9)."""

from __future__ import annotations

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import Finding, Severity
from gateway.ingest.ack import Answer, Complaint, acknowledge, complaints_of
from gateway.ingest.conditions import CONDITIONS
from gateway.ingest.msh import DEFAULT, read_msh
from tests.unit.ingest.ingest_door_kit import NOW, SECRET, mdm

VERSIONS = ["2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2"]
COMPLAINTS = (
    Complaint(condition="101", code="patient-without-name", words="a | b ^ c & d ~ e \\ f\r\nMSA|AA", place="PID-5"),
    Complaint(condition="102", code="document-unreadable", words="x", place="OBX[2]-5.5.1"),
    Complaint(condition="207", code="too-large", words="y" * 400, place="byte 812"),
    Complaint(condition="100", code="no-patient", words="z", place="PID"),
)


def ack(request: bytes, answer: Answer = Answer.TAKEN, complaints: tuple[Complaint, ...] = ()) -> str:
    msh = read_msh(request) or DEFAULT
    return acknowledge(msh, answer, letter="01KB0000000000000000000042", at=NOW, complaints=complaints).decode(
        msh.codec
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("complaints", [(), COMPLAINTS[:1], COMPLAINTS])
def test_hl7apy_accepts_it_strictly(version, complaints):
    answer = Answer.CORRECT if complaints else Answer.TAKEN
    message = parse_message(ack(mdm(version=version), answer, complaints), validation_level=VALIDATION_LEVEL.STRICT)
    assert message.validate()
    assert message.msa.msa_1.value == answer
    assert message.msa.msa_2.value == "DOC000123"
    assert message.msh.msh_9.msh_9_2.value == "T02"
    assert message.msh.msh_12.value == version


def test_hl7apy_rejects_a_broken_one():
    broken = ack(mdm()).replace("MSA|AA|DOC000123", "MSA|AA")
    with pytest.raises(Exception, match="MSA_2"):
        parse_message(broken, validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_an_accepted_document():
    header = (
        "MSH|^~\\&|PASSERELLE|CH-EXEMPLE|DPI|CH-EXEMPLE|20260115103000+0000||ACK^T02^ACK|00000000000000000042|P|2.6"
    )
    assert ack(mdm()).split("\r") == [
        f"{header}|||||FRA|UNICODE UTF-8",
        "MSA|AA|DOC000123",
        "",
    ]


def test_a_refused_document_says_where_why_and_with_which_code():
    lines = ack(mdm(), Answer.CORRECT, COMPLAINTS).split("\r")
    assert lines[1] == "MSA|AE|DOC000123"
    assert lines[2] == (
        "ERR||PID^1^5|101^Required field missing^HL70357|E|patient-without-name^^99HUITAINE|||"
        "a \\F\\ b \\S\\ c \\T\\ d \\R\\ e \\E\\ f  MSA\\F\\AA"
    )
    assert lines[3].startswith("ERR||OBX^2^5^1^5^1|102^")
    assert lines[4].startswith("ERR|||207^")
    assert len(lines[4]) < 330
    assert lines[5].startswith("ERR||PID^1|100^")


def test_before_2_5_the_location_is_in_err_1_and_the_words_in_msa_3():
    lines = ack(mdm(version="2.4"), Answer.CORRECT, COMPLAINTS).split("\r")
    assert lines[1].startswith("MSA|AE|DOC000123|a \\F\\ b")
    assert lines[2] == (
        "ERR|PID^1^5^101&Required field missing~OBX^2^5^102&Data type error"
        "~MSH^1^^207&Application internal error~PID^1^^100&Segment sequence error"
    )


@pytest.mark.parametrize(
    ("version", "kind"), [("2.1", "ACK"), ("2.2", "ACK^T02"), ("2.3", "ACK^T02"), ("2.9", "ACK^T02^ACK")]
)
def test_the_message_type_is_that_of_its_version(version, kind):
    assert ack(mdm(version=version)).split("|")[8] == kind


def test_changed_separators_are_kept():
    request = b"MSH$%*?@$DPI%x$CH$P$CH$20260115$$MDM%T02$77$P$2.6$$$$$FRA$8859/1\r"
    complaint = Complaint(condition="101", code="c", words="a $ % * ? @ | ^", place="PID-3")
    lines = ack(request, Answer.CORRECT, (complaint,)).split("\r")
    assert (
        lines[0] == "MSH$%*?@$P$CH$DPI%x$CH$20260115103000+0000$$ACK%T02%ACK$00000000000000000042$P$2.6$$$$$FRA$8859/1"
    )
    assert lines[1] == "MSA$AE$77"
    assert lines[2] == "ERR$$PID%1%3$101%Required field missing%HL70357$E$c%%99HUITAINE$$$a ?F? ?S? ?R? ?E? ?T? | ^"
    assert parse_message("\r".join(lines), validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_the_answer_is_in_the_requests_charset():
    request = mdm().replace(b"UNICODE UTF-8", b"8859/15").replace(b"|DPI|", "|Hôpital €|".encode("iso8859-15"))
    complaint = Complaint(condition="207", code="c", words="café €")
    raw = acknowledge(read_msh(request), Answer.AGAIN, letter="x", at=NOW, complaints=(complaint,))
    assert "|Hôpital €|" in raw.decode("iso8859-15")
    assert "café €" in raw.decode("iso8859-15")


def test_equal_arguments_give_equal_bytes():
    assert ack(mdm(), Answer.CORRECT, COMPLAINTS) == ack(mdm(), Answer.CORRECT, COMPLAINTS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PID|1",
        b"MSH",
        b"MSH|",
        b"MSH|^~\\&",
        b"MSH|^^^^|a",
        b"MSHabcde",
        b"MSH|^~\\&x|y",
        b"\xff\xfeM\0S\0H\0",
        b"msh|^~\\&|",
    ],
)
def test_without_a_usable_msh_the_answer_uses_the_usual_separators(content):
    assert read_msh(content) is None
    assert ack(content, Answer.CORRECT).split("\r")[1] == "MSA|AE|UNKNOWN"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_msh_is_read_whatever_ends_it(end):
    msh = read_msh(b"\xef\xbb\xbf" + mdm().replace(b"\r", end))
    assert msh is not None
    assert (msh.field(10), msh.field(18), msh.application) == (b"DOC000123", b"UNICODE UTF-8", "DPI|CH-EXEMPLE")
    assert (msh.field(1), msh.field(2), msh.field(40), msh.component(9, 9)) == (b"|", b"^~\\&", b"", "")


@given(content=st.binary(max_size=80), words=st.text(max_size=80), place=st.text(max_size=20))
def test_whatever_comes_the_answer_has_its_segments_and_no_more(content, words, place):
    complaint = Complaint(condition="207", code="c", words=words, place=place)
    for start in (b"", b"MSH|^~\\&|"):
        msh = read_msh(start + content) or DEFAULT
        raw = acknowledge(msh, Answer.CORRECT, letter="x" * 30, at=NOW, complaints=(complaint,))
        assert raw.count(b"\r") == 3
        assert raw.endswith(b"\r")
        assert b"\n" not in raw


def finding(code: str, place: str = "PID-5", severity: Severity = Severity.ERROR) -> Finding:
    return Finding(severity=severity, place=place, code=code, message="words", detail=SECRET)


@pytest.mark.parametrize(
    ("code", "place", "condition"),
    [
        ("patient-without-name", "PID-5", "101"),
        ("no-patient", "PID", "100"),
        ("message-type-unsupported", "MSH-9", "200"),
        ("event-unsupported", "MSH-9.2", "201"),
        ("several-patients", "PID[2]", "198"),
        ("test-message", "MSH-11", "202"),
        ("version-unsupported", "MSH-12", "203"),
        ("encoding-unknown", "OBX-5", "103"),
        ("order-status-contradiction", "OBX-11", "199"),
        ("hex-invalid", "OBX-5", "102"),
        ("mixed-charsets", "byte 3", "102"),
        ("something-else", "OBX[1]-5", "102"),
        ("something-else", "MSH-1", "199"),
    ],
)
def test_a_finding_becomes_a_condition_of_table_0357(code, place, condition):
    (complaint,) = complaints_of((finding(code, place),))
    assert complaint.condition == condition
    assert condition in CONDITIONS


def test_only_errors_complain_at_most_ten_and_never_with_their_detail():
    findings = (finding("a", severity=Severity.WARNING), *(finding(f"b{number}") for number in range(12)))
    complaints = complaints_of(findings)
    assert [complaint.code for complaint in complaints] == [f"b{number}" for number in range(10)]
    assert "DUPONT" not in ack(mdm(), Answer.CORRECT, complaints)


@pytest.mark.parametrize("control", [b"\x0b", b"\x1c", b"\x00", b"\x7f", b"\x1b[2J"])
def test_what_is_echoed_ends_no_block_and_no_segment(control):
    request = mdm().replace(b"DOC000123", b"DOC" + control + b"123")
    said = ack(request).encode()
    assert not {*b"\x0b\x1c\x00\x7f\x1b\n"} & {*said}
    assert said.count(b"\r") == 2
