"""Frames, delimiters, charsets, escapes and limits of the thin ER7 reader, with hl7apy as the judge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from gateway.document import Finding, Severity
from gateway.errors import UnreadableDocument
from gateway.parsers.hl7v2 import read_hl7v2
from gateway.parsers.hl7v2.er7 import Message, split
from gateway.parsers.hl7v2.frame import open_message

HEADER = b"MSH|^~\\&|A|B|C|D|20260115||ORU^R01^ORU_R01|1|T|2.5|||||FRA|CHARSET"


def opened(content: bytes) -> tuple[Message, list[Finding]]:
    findings: list[Finding] = []
    return open_message(content, findings), findings


def refusal(content: bytes) -> Finding:
    with pytest.raises(UnreadableDocument) as caught:
        open_message(content, [])
    (finding,) = caught.value.findings
    assert finding.severity is Severity.ERROR
    return finding


def with_charset(declared: str, *lines: bytes) -> bytes:
    return b"\r".join([HEADER.replace(b"CHARSET", declared.encode()), *lines, b""])


def pid_name(content: bytes) -> str:
    return opened(content)[0].first(b"PID").get(5)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("before", "after"), [(b"", b""), (b"\x0b", b"\x1c\r"), (b"\xef\xbb\xbf", b""), (b"\n", b"\n\n")]
)
def test_line_ends_frames_and_marks_do_not_change_what_is_read(
    vectors: Path, end: bytes, before: bytes, after: bytes
) -> None:
    content = (vectors / "hl7v2" / "mdm_t02_cda_n1.hl7").read_bytes()
    changed = before + content.replace(b"\r", end) + after

    assert read_hl7v2(changed).documents == read_hl7v2(content).documents


def test_other_delimiters_are_taken_from_the_header() -> None:
    message, _ = opened(b"MSH!@*?%!A\rPID!!!1@@@X%Y@PI*2!!DOE?S?JR@JANE!\r")
    pid = message.first(b"PID")

    assert [element.get(1) for element in pid.elements(3)] == ["1", "2"]
    assert (pid.get(3, 4, 2), pid.get(5), pid.get(5, 2)) == ("Y", "DOE@JR", "JANE")


@pytest.mark.parametrize(
    "header", [b"MSH", b"MSH|", b"MSH|^~\\", b"MSH|^^\\&|", b"MSH|^~\\&", b"MSHA^~\\&A", b"MSH|abcd|"]
)
def test_unusable_delimiters_are_refused(header: bytes) -> None:
    assert refusal(header).code == "bad-delimiters"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-msh"),
        (b"PID|1\r", "no-msh"),
        (b"FHS|^~\\&|A\rMSH|^~\\&|A\r", "batch"),
        ("MSH|^~\\&|A\r".encode("utf-16"), "utf-16"),
        (b"MSH|^~\\&|A\rPID|1\rMSH|^~\\&|A\r", "several-messages"),
        (b"MSH|^~\\&|A\rPID|1\nOBX|1\r", "mixed-line-ends"),
        (b"MSH|^~\\&|A\r\nPID|1\rOBX|1\r\n", "mixed-line-ends"),
        (b"MSH|^~\\&|A\rPID|1|" + b"x" * 300_000 + b"\r", "segment-too-long"),
        (b"MSH|^~\\&|A\r" + b"NTE|1\r" * 20_001, "too-many-segments"),
        (b"MSH|^~\\&|A" + b"\r" * 700_000 + b"PID|1", "too-many-lines"),
    ],
)
def test_what_is_no_single_message_is_refused(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_a_carriage_return_in_an_escape_stays_text() -> None:
    message, _ = opened(b"MSH|^~\\&|A\rOBX|1|TX|C||one\\X0D\\PID|1|\\.br\\two\\X0D0A\\three\r")

    assert [segment.name for segment in message.segments()] == [b"MSH", b"OBX"]
    assert message.first(b"OBX").get(5) == "one\nPID"
    assert message.first(b"OBX").get(7) == "two\nthree"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (rb"\F\ \S\ \T\ \R\ \E\ ", "| ^ & ~ \\"),
        (rb"\H\bold\N\ ", "bold"),
        (rb"\XC3A9\ ", "é"),
        (rb"\.in+4\a\.sp\b", "a\nb"),
        (rb"\Zlocal\x", "x"),
        (rb"C:\temp", r"C:\temp"),
        (rb"50\50 \F\ ", r"50\50 |"),
        (rb"\Q\ ", r"\Q\ ".strip()),
        (b'""', ""),
    ],
)
def test_escapes_are_read_and_anything_else_is_kept(raw: bytes, text: str) -> None:
    assert opened(b"MSH|^~\\&|A\rOBX|1|ST|C||" + raw + b"\r")[0].first(b"OBX").get(5) == text


def test_an_open_escape_is_remarked_with_its_field() -> None:
    _, findings = opened(b"MSH|^~\\&|A\rNTE|1||fine\rOBX|1|ST|C||C:\\temp\r")

    assert [(one.code, one.place) for one in findings] == [("open-escape", "OBX[1]-5")]


@pytest.mark.parametrize(
    ("declared", "codec", "remark"),
    [
        ("UNICODE UTF-8", "utf-8", None),
        ("8859/1", "iso8859-1", None),
        ("8859/15", "iso8859-15", None),
        ("8859/1", "utf-8", "charset-not-as-declared"),
        ("8859/15", "cp1252", "charset-not-as-declared"),
        ("UNICODE UTF-8", "iso8859-15", "charset-not-as-declared"),
        ("", "utf-8", "charset-not-declared"),
        ("", "iso8859-15", "charset-not-as-declared"),
        ("KLINGON", "cp1252", "charset-not-as-declared"),
    ],
)
def test_the_charset_is_what_the_bytes_are_whatever_is_declared(declared: str, codec: str, remark: str | None) -> None:
    name = "D’ÉTÉ" if codec == "cp1252" else "DÉTÉ"
    content = with_charset(declared, b"PID|1||||" + name.encode(codec))
    message, findings = opened(content)

    assert message.first(b"PID").get(5) == name
    assert [one.code for one in findings] == ([remark] if remark else [])


def test_two_charsets_in_one_message_are_refused_with_the_field() -> None:
    _, findings = opened(with_charset("8859/1", b"PID|1||||DET\xc9", b"NTE|1||\xc3\xa9t\xc3\xa9"))

    assert [(one.code, one.place, one.severity) for one in findings] == [("mixed-charsets", "PID-5", Severity.ERROR)]


def test_a_document_is_split_as_a_short_field_is() -> None:
    for raw in (b"a|b||c", b"|" * 3_000, b"x" * 5_000, b"x" * 2_500 + b"|y|", b""):
        for limit in (1, 3, 80):
            assert split(raw, b"|", limit) == raw.split(b"|", limit)


ORACLE = ["mdm_t02_cda_n1", "mdm_t10_replace", "oru_r01_lab", "adt_a01_admission", "adt_a03_discharge"]


@pytest.mark.parametrize("name", ORACLE)
def test_every_field_is_what_hl7apy_reads(vectors: Path, name: str) -> None:
    """hl7apy is the judge (design.md, decision 9); as HL7 2.8.2, because hl7apy 1.3.5 knows no PRT in 2.6."""
    content = (vectors / "hl7v2" / f"{name}.hl7").read_bytes()
    message, _ = opened(re.sub(rb"\|2\.[56](?:\^FRA\^2\.11)?\|", b"|2.8.2|", content, count=1))
    text = "\r".join(line.decode(message.codec) for line in message.lines)
    judge = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)

    assert [segment.name.decode() for segment in message.segments()] == [one.name for one in judge.children]
    for ours, theirs in zip(message.segments(), judge.children, strict=True):
        judged: dict[int, list[str]] = {}
        for field in theirs.children:
            # hl7apy escapes once more what it did not understand.
            er7 = field.to_er7().replace("\\E\\X0D\\E\\", "\\X0D\\")
            judged.setdefault(int(field.name.rpartition("_")[2]), []).append(er7)
        for number, texts in judged.items():
            if ours.name != b"MSH" or number > 2:
                assert ours.raw_field(number).split("~") == texts, ours.place(number)
