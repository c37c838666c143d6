"""IHE XDM archives: documents checked against their metadata, and the zips that are refused."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from gateway.document import Reading, Severity
from gateway.errors import UnreadableDocument
from gateway.parsers.xdm import read_xdm
from gateway.parsers.xdm.people import patient_identifier

FOLDER = "IHE_XDM/SUBSET01"


@pytest.fixture
def cda(vectors: Path) -> bytes:
    return (vectors / "cda" / "discharge_letter_n3.xml").read_bytes()


@pytest.fixture
def template(vectors: Path) -> bytes:
    return (vectors / "xdm" / "METADATA.XML").read_bytes()


def metadata(template: bytes, document: bytes) -> bytes:
    digest = hashlib.sha1(document, usedforsecurity=False).hexdigest().encode()
    return template.replace(b"HASH", digest).replace(b"SIZE", str(len(document)).encode())


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def archive_of(template: bytes, document: bytes, **others: bytes) -> bytes:
    files = {
        "INDEX.HTM": b"<html/>",
        f"{FOLDER}/METADATA.XML": metadata(template, document),
        f"{FOLDER}/DOC0001.XML": document,
    }
    return packed(files | others)


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        read_xdm(content)
    (finding,) = caught.value.findings
    assert finding.message.startswith("XDM refused: ")
    return finding.code


def errors(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings if finding.severity is Severity.ERROR]


def test_an_archive_with_one_document_is_its_original(template: bytes, cda: bytes) -> None:
    content = archive_of(template, cda)
    reading = read_xdm(content)

    (document,) = reading.documents
    assert reading.accepted
    assert (document.original.format, document.original.name) == ("xdm", "IHE_XDM.zip")
    assert document.original.content == content
    assert document.kind.loinc == "11490-0"
    assert document.patient
    assert [one.type for one in document.patient.identifiers] == ["INS", "PI"]


def test_several_subsets_keep_each_document_as_its_own_original(template: bytes, cda: bytes, vectors: Path) -> None:
    second = (vectors / "cda" / "discharge_letter_n1.xml").read_bytes()
    content = archive_of(
        template,
        cda,
        **{"IHE_XDM/SUBSET02/METADATA.XML": metadata(template, second), "IHE_XDM/SUBSET02/DOC0001.XML": second},
    )
    reading = read_xdm(content)

    assert reading.variant == "IHE XDM, 2 subsets"
    assert [one.original.content for one in reading.documents] == [cda, second]


def test_names_in_lower_case_and_back_slashes_are_understood(template: bytes, cda: bytes) -> None:
    files = {"ihe_xdm\\subset01\\metadata.xml": metadata(template, cda), "ihe_xdm\\subset01\\doc0001.xml": cda}

    assert read_xdm(packed(files)).accepted


def test_a_pdf_is_described_by_its_metadata(template: bytes, vectors: Path) -> None:
    pdf = (vectors / "cda" / "letter.pdf").read_bytes()
    (document,) = read_xdm(archive_of(template, pdf)).documents

    assert document.patient
    assert (document.patient.family, document.patient.birth_date) == ("TESTINI", "1978-02-14")
    assert document.patient.identifiers[0].type == "INS"
    assert document.attachments[0].content == pdf


@pytest.mark.parametrize(("action", "cancels"), [(b"D", "1.2.250.1.999.1^LDL-0001"), (b"C", None)])
def test_the_extra_slot_says_replace_or_delete(template: bytes, cda: bytes, action: bytes, cancels: str | None) -> None:
    value = b"<rim:ValueList><rim:Value>%b</rim:Value></rim:ValueList>"
    slot = b'<rim:Slot name="urn:action:extraMetadataSlot">' + value + b"</rim:Slot>"
    reading = read_xdm(
        archive_of(template.replace(b'<rim:Slot name="hash"', slot % action + b'<rim:Slot name="hash"'), cda)
    )

    assert reading.documents[0].cancels == cancels
    assert ("replaced-document-unnamed" in [one.code for one in reading.findings]) is (action == b"C")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<rim:Value>HASH", b"<rim:Value>" + b"0" * 40, "hash-differs"),
        (b"<rim:Value>SIZE", b"<rim:Value>7", "size-differs"),
        (b"DOC0001.XML", b"DOC0002.XML", "document-missing"),
        (b"DOC0001.XML", b"../../DOC0001.XML", "document-missing"),
        (b'value="278027590000164^', b'value="180117590000142^', "patient-mismatch"),
        (b"SubmitObjectsRequest", b"SomethingElse", "metadata-unreadable"),
        (b"ExtrinsicObject", b"OtherObject", "xdm-empty"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(template: bytes, cda: bytes, old: bytes, new: bytes, code: str) -> None:
    assert old in template
    reading = read_xdm(archive_of(template.replace(old, new), cda))

    assert errors(reading) == [code]
    assert not reading.accepted


def test_a_missing_hash_is_a_warning(template: bytes, cda: bytes) -> None:
    reading = read_xdm(archive_of(template.replace(b"<rim:Value>HASH</rim:Value>", b""), cda))

    assert reading.accepted
    assert "hash-not-stated" in [one.code for one in reading.findings]


def test_an_archive_without_metadata_is_refused() -> None:
    assert errors(read_xdm(packed({"README.TXT": b"x"}))) == ["metadata-missing"]


def test_a_dangerous_cda_inside_is_refused_where_it_stands(template: bytes) -> None:
    reading = read_xdm(archive_of(template, b"<!DOCTYPE a><a/>"))

    (finding,) = reading.findings
    assert (finding.code, finding.place) == ("xml-dtd", "IHE_XDM/SUBSET01/DOC0001.XML byte 0")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/cron.d/x",
        "/abs",
        "C:\\x",
        "a\u202etxt.exe",
        "CON",
        "aux.txt",
        "IHE_XDM/../x",
        "x" * 300,
        "a//b",
        "..\\..\\x",
        "../x/",
    ],
)
def test_names_that_lead_out_are_refused(template: bytes, cda: bytes, name: str) -> None:
    assert refusal(archive_of(template, cda, **{name: b"x"})) == "zip-name-refused"


def test_a_symbolic_link_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")

    assert refusal(out.getvalue()) == "zip-name-refused"


def test_the_same_name_twice_is_refused(template: bytes, cda: bytes) -> None:
    assert refusal(archive_of(template, cda, **{f"{FOLDER}/doc0001.xml": b"other"})) == "zip-duplicate-name"


def test_a_zip_in_the_zip_is_refused(template: bytes, cda: bytes) -> None:
    assert refusal(archive_of(template, cda, **{"inner.ZIP": packed({"a": b"b"})})) == "zip-nested"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    assert refusal(packed({f"{n}.txt": bytes(30_000_000) for n in range(4)})) == "zip-too-large"


def test_a_bomb_that_lies_about_its_size_is_refused(template: bytes, cda: bytes) -> None:
    content = bytearray(archive_of(template, cda))
    at = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 4) + 4)
    struct.pack_into("<L", content, at + 24, 100)

    assert refusal(bytes(content)) == "zip-damaged"


def test_too_many_files_are_refused() -> None:
    assert refusal(packed({f"{n}": b"" for n in range(2_001)}, zipfile.ZIP_STORED)) == "zip-too-many-files"


def test_an_encrypted_entry_is_refused(template: bytes, cda: bytes) -> None:
    content = bytearray(archive_of(template, cda))
    content[content.find(b"PK\x01\x02") + 8] |= 1

    assert refusal(bytes(content)) == "zip-encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method: int) -> None:
    assert refusal(packed({"a": b"b" * 100}, method)) == "zip-compression"


def test_entries_that_overlap_are_refused(template: bytes, cda: bytes) -> None:
    content = bytearray(archive_of(template, cda))
    second = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 4)
    struct.pack_into("<L", content, second + 42, 0)

    assert refusal(bytes(content)) == "zip-overlap"


def test_a_wrong_crc_is_refused(template: bytes, cda: bytes) -> None:
    content = archive_of(template, cda)
    stored = packed(
        {f"{FOLDER}/METADATA.XML": metadata(template, cda), f"{FOLDER}/DOC0001.XML": cda}, zipfile.ZIP_STORED
    )

    assert read_xdm(stored).accepted
    assert refusal(stored.replace(b"TESTINI</family>", b"TESTANI</family>")) == "zip-damaged"
    assert content


@pytest.mark.parametrize("extra", [b"MZ before", b""])
def test_bytes_outside_the_entries_are_refused(template: bytes, cda: bytes, extra: bytes) -> None:
    content = archive_of(template, cda)

    assert refusal(extra + content if extra else content + b"after") in {"not-a-zip", "zip-hidden-data"}


def test_a_zip64_archive_is_refused(template: bytes, cda: bytes) -> None:
    content = archive_of(template, cda)
    at = content.rfind(b"PK\x05\x06")
    locator = b"PK\x06\x07" + bytes(16)

    assert refusal(content[:at] + locator + content[at:]) == "zip-64"


def test_every_truncation_is_refused(template: bytes, cda: bytes) -> None:
    content = archive_of(template, cda)
    for cut in range(0, len(content) - 1, 97):
        assert refusal(content[:cut]) in {"not-a-zip", "zip-damaged", "zip-hidden-data"}


def test_the_type_of_an_ins_in_xds_is_nh() -> None:
    """NH is a billing number in HL7 v2 and the INS in XDS: the OID decides, the type is never copied across."""
    ins = patient_identifier("278027590000164^^^&1.2.250.1.213.1.4.10&ISO^NH")
    local = patient_identifier("IPP-0042^^^&1.2.250.1.999.1.1&ISO^PI")

    assert (ins.type, ins.authority, ins.qualified) == ("INS", "1.2.250.1.213.1.4.10", False)
    assert local.type == "PI"


def test_python_zipfile_accepts_a_duplicate_name_that_we_refuse() -> None:
    """Negative control of the duplicate check: the library only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a", "1")
            archive.writestr("a", "2")
    assert len(zipfile.ZipFile(io.BytesIO(out.getvalue())).infolist()) == 2
    assert refusal(out.getvalue()) == "zip-duplicate-name"
