"""Any bytes: told by what they are, read by one entry, refused in one clear line, never another exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import Document, Finding, Identifier, Kind, NamedAddressee, Original, Patient, Reading, Role
from gateway.errors import UnreadableDocument
from gateway.identifiers import Rpps
from gateway.parsers.detect import Format, detect
from gateway.parsers.hprim import read_hprim_medecin, read_hprim_sante
from gateway.parsers.read import read
from gateway.parsers.split import same_patient, split_by_patient


@pytest.mark.parametrize(
    ("content", "name", "format"),
    [
        (b"MSH|^~\\&|A|B", "", "hl7v2"),
        (b"\x0bMSH|^~\\&|A|B", "x.txt", "hl7v2"),
        (b"\xef\xbb\xbfMSH#^~\\&#A#B", "", "hl7v2"),
        (b"MSHOTS of yesterday", "", "text"),
        (b'<?xml version="1.0"?><!-- x --><ClinicalDocument xmlns="urn:hl7-org:v3">', "", "cda"),
        ('<?xml version="1.0"?><n:ClinicalDocument>'.encode("utf-16"), "", "cda"),
        (b"<html>", "", "unknown"),
        (b"PK\x03\x04....IHE_XDM/SUBSET01/METADATA.XML", "", "xdm"),
        (b"PK\x03\x04....notes.docx", "", "unknown"),
        (b"%PDF-1.7", "", "pdf"),
        (b"\r\n%PDF-1.7", "lettre.hpr", "pdf"),
        (b"From: a@b.example\r\nDate: x\r\n\r\nBonjour", "", "mime"),
        (b"Return-Path: <a@b.example>\r\nReceived: from x\r\n\r\nBonjour", "", "mime"),
        (b"From: a@b.example\n\nBonjour", "", "text"),
        (b"H|~^\\&|A", "", "hprim-sante"),
        (b"Bonjour", "", "text"),
        (b"Bonjour", "x.hpr", "hprim-medecin"),
        (b"x\r\n ****FIN****\r\n", "", "hprim-medecin"),
        (b"\x00\x01\x02", "", "unknown"),
        (b"\x89PNG\r\n", "", "unknown"),
        (b"", "", "unknown"),
    ],
)
def test_bytes_are_told_by_what_they_hold(content: bytes, name: str, format: str) -> None:  # noqa: A002
    assert detect(content, name) == format


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"%PDF-1.4", "lettre.hpr", "this is a PDF named .hpr"),
        (b"PK\x03\x04x", "lettre.HPM", "this is a ZIP archive named .hpm"),
        (b"Bonjour", "lettre.hl7", "this is a text named .hl7"),
        (b"\xd0\xcf\x11\xe0 x", "C:\\lettres\\x.hprim", "this is an old Office document named .hprim"),
        (b"PK\x03\x04x.docx", "IHE_XDM.zip", "a ZIP archive without IHE_XDM"),
        (b'<evenementsPatients xmlns="http://www.hprim.org/hprimXML"/>', "", "HPRIM XML"),
        (b"{\\rtf1 x}", "", "an RTF text"),
    ],
)
def test_what_is_not_what_it_is_called_is_refused_by_what_it_is(content: bytes, name: str, words: str) -> None:
    reading = read(content, name=name)
    assert not reading.accepted
    assert words in reading.findings[0].message


@pytest.mark.parametrize("content", [b"", b" \r\n\t "])
def test_an_empty_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(content)
    assert caught.value.findings[0].code == "empty"


def _seeds(vectors: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((vectors / "hprim").rglob("*")) if path.is_file()]


@settings(max_examples=150, deadline=None)
@given(
    content=st.binary(max_size=2000), name=st.sampled_from(["", "x.hpr", "x.eml", "x.hl7", "x.zip"]), mail=st.booleans()
)
def test_any_bytes_give_a_reading_or_one_refusal(content: bytes, name: str, *, mail: bool) -> None:
    _read(content, name, mail=mail)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_broken_hprim_gives_a_reading_or_one_refusal(vectors: Path, data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(_seeds(vectors)))
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 40)))
        piece = data.draw(
            st.sampled_from(
                [b"", b"|", b"\r\n", b"****FIN****\r\n", b"\x00", b"~", b"A|", b"\xff", b"L|1\r\n", b"9" * 30]
            )
        )
        content = content[:start] + piece + content[end:]
    assert isinstance(read_hprim_medecin(content), Reading)
    assert isinstance(read_hprim_sante(content), Reading)
    _read(content, "x.hpr", mail=False)


_PIECES = [
    b"From: a@b.example\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"\r\n", b"--b\r\n", b"--b--\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n", b"Content-Transfer-Encoding: base64\r\n", b"QUJD", b"=E9=\r\n",
    b"Content-Disposition: attachment; filename*=utf-8''%00\r\n", b"\xff\xfe",
    b"Content-Type: application/pkcs7-mime\r\n",
    b"Content-Type: message/rfc822\r\n", b"%PDF-", b"****FIN****\r\n", b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMAAAA",
    b"--b", b"<p>&#0;", b"MSH|",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(_PIECES),
        max_size=25,
    )
)
def test_broken_mail_gives_a_reading_or_one_refusal(pieces: list[bytes]) -> None:
    _read(b"".join(pieces), "", mail=True)


def _read(content: bytes, name: str, *, mail: bool) -> None:
    """Anything but a reading or a refusal with an error among its findings fails the test."""
    findings, accepted = _outcome(content, name, mail=mail)
    assert accepted or any(finding.severity == "error" for finding in findings)


def _outcome(content: bytes, name: str, *, mail: bool) -> tuple[tuple[Finding, ...], bool]:
    try:
        reading = read(content, name=name, expect_mail=mail)
    except UnreadableDocument as refusal:
        return refusal.findings, False
    return reading.findings, reading.accepted


# One mail per patient -------------------------------------------------------------------------------------------------


def patient(
    family: str = "TESTINI", given: str = "AMELIE", born: str = "1978-02-14", *numbers: tuple[str, str, str]
) -> Patient:
    identifiers = tuple(Identifier(type=type_, authority=authority, value=value) for type_, authority, value in numbers)
    return Patient(family=family, given=given, birth_date=born, identifiers=identifiers)


def document(about: Patient | None, *rpps: str) -> Document:
    named = tuple(NamedAddressee(role=Role.GP, place="", rpps=Rpps(number)) for number in rpps)
    original = Original(format="text", content=b"")
    return Document(kind=Kind(loinc=None, label=""), original=original, patient=about, addressees=named)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (patient(), True),
        (patient("testini", "Amélie"), True),
        (patient("TESTINI", "AMELIE", "1978-02-15"), False),
        (patient("TESTINI", "ANNE"), False),
        (patient("TESTINI", "AMELIE", "1978-02-14", ("PI", "CH", "1")), True),
        (patient("TESTINI", "AMELIE", "1978-02-14", ("PI", "CH", "2")), False),
        (patient("TESTINI", "AMELIE", "1978-02-14", ("PI", "LAB", "2")), True),
        (None, False),
    ],
)
def test_the_same_person_has_the_same_traits_and_no_contradicting_number(other: Patient | None, *, same: bool) -> None:
    assert same_patient(patient("TESTINI", "AMELIE", "1978-02-14", ("PI", "CH", "1")), other) is same


def test_documents_are_grouped_by_patient_and_by_who_is_named() -> None:
    first, second = patient(), patient("FICTIF", "JEAN")
    documents = (
        document(first, "1"),
        document(second, "1"),
        document(first, "1"),
        document(first, "1", "2"),
        document(None),
        document(None),
    )
    groups = split_by_patient(Reading(format="mime", documents=documents))
    assert [len(group) for group in groups] == [2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "subset", ['<!ENTITY a "b">', '<!ENTITY a "' + "x" * 6000 + '">', '<!ENTITY a SYSTEM "file:///etc/passwd">']
)
def test_a_cda_behind_a_document_type_is_refused_and_not_passed_on_as_any_file(vectors: Path, subset: str) -> None:
    whole = (vectors / "cda" / "discharge_letter_n1.xml").read_bytes()
    hidden = f"<!DOCTYPE x [{subset}]>".encode() + whole[whole.index(b"<ClinicalDocument") :]
    assert detect(hidden) is Format.CDA
    with pytest.raises(UnreadableDocument) as refused:
        read(hidden)
    assert [finding.code for finding in refused.value.findings] == ["xml-dtd"]
