"""METADATA.XML in full: submission set, authors, masks, associations, documents that are no CDA."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from gateway.document import Identifier, Reading, Severity
from gateway.parsers.xdm import read_xdm
from gateway.parsers.xdm.people import patient_of, professional

FOLDER = "IHE_XDM/SUBSET01"
PNG = b"\x89PNG\r\n\x1a\n invented"


@pytest.fixture
def full(vectors: Path) -> bytes:
    return (vectors / "xdm" / "METADATA_FULL.XML").read_bytes()


@pytest.fixture
def cda(vectors: Path) -> bytes:
    return (vectors / "cda" / "discharge_letter_n3.xml").read_bytes()


def archive(metadata: bytes, documents: dict[str, bytes]) -> bytes:
    """An archive whose metadata hold the hash and size of each document where they say ``HASH:name``, ``SIZE:name``."""
    for name, content in documents.items():
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        metadata = metadata.replace(b"HASH:" + name.encode(), digest.encode())
        metadata = metadata.replace(b"SIZE:" + name.encode(), str(len(content)).encode())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{FOLDER}/METADATA.XML", metadata)
        for name, content in documents.items():
            packed.writestr(f"{FOLDER}/{name}", content)
    return out.getvalue()


def read(full: bytes, cda: bytes, second: bytes = PNG) -> Reading:
    return read_xdm(archive(full, {"DOC0001.XML": cda, "DOC0002.PNG": second}))


def codes(reading: Reading, severity: Severity) -> list[str]:
    return [one.code for one in reading.findings if one.severity is severity]


def test_two_documents_of_one_set_are_two_documents(full: bytes, cda: bytes) -> None:
    reading = read(full, cda)

    assert reading.accepted, reading.findings
    letter, picture = reading.documents
    assert (letter.original.format, picture.original.format) == ("cda", "file")
    assert picture.attachments[0].content == PNG
    assert (picture.kind.loinc, picture.title) == ("18748-4", "Cliché de contrôle")


def test_a_picture_is_told_by_its_metadata(full: bytes, cda: bytes) -> None:
    picture = read(full, cda).documents[1]

    assert picture.patient is not None
    assert (picture.patient.family, picture.patient.used_family) == ("TESTINI", "ESSAI")
    assert (picture.patient.birth_date, picture.patient.birth_place) == ("1978-02-14", "75056")
    assert [one.type for one in picture.patient.identifiers] == ["INS", "PI"]
    assert picture.author is not None
    assert (picture.author.rpps, picture.author.family, picture.author.organisation) == (
        "99900000003",
        "ESSAIM",
        "CH d'Essai",
    )
    assert picture.written_at is not None
    assert picture.written_at.isoformat() == "2026-01-15T09:30:00+01:00", "creationTime is UTC"


def test_masks_of_the_metadata_are_wishes(full: bytes, cda: bytes) -> None:
    letter, picture = read(full, cda).documents

    assert letter.wishes.hidden_from_patient is True
    assert letter.wishes.hidden_from_professionals is None
    assert picture.wishes.hidden_from_patient is None


def test_an_intended_recipient_is_no_addressee(full: bytes, cda: bytes) -> None:
    reading = read(full, cda)

    assert "information-recipient-not-routed" in codes(reading, Severity.NOTE)
    assert reading.documents[1].addressees == ()


def test_an_association_that_replaces_is_told_when_the_document_does_not_say_what(full: bytes, cda: bytes) -> None:
    replaces = b"urn:ihe:iti:2007:AssociationType:RPLC"
    changed = full.replace(b"</rim:RegistryObjectList>", b"""<rim:Association id="as9" associationType="%b"
        sourceObject="Document02" targetObject="urn:uuid:1"/></rim:RegistryObjectList>""" % replaces)  # fmt: skip

    assert codes(read(full, cda), Severity.WARNING) == []
    assert codes(read(changed, cda), Severity.WARNING) == ["replaced-document-unnamed"]


@pytest.mark.parametrize(
    ("old", "new", "severity", "code"),
    [
        (b'SubmissionSet01" identificationScheme="urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446" value="27',
         b'SubmissionSet01" identificationScheme="urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446" value="17',
         Severity.ERROR, "set-patient-differs"),
        (b"rim:RegistryPackage", b"rim:OtherPackage", Severity.WARNING, "submission-set-missing"),
        (b'targetObject="Document02"', b'targetObject="Document09"', Severity.WARNING, "document-not-in-set"),
        (b'nodeRepresentation="11490-0"', b'nodeRepresentation="34112-3"', Severity.WARNING, "kind-differs"),
        (b"PID-7|19780214", b"PID-7|19780215", Severity.WARNING, "patient-trait-differs"),
        (b"PID-5|TESTINI^AMELIE", b"PID-5|AUTRE^AMELIE", Severity.WARNING, "patient-trait-differs"),
    ],
)  # fmt: skip
def test_metadata_that_contradict_themselves_or_the_document_are_told(
    full: bytes, cda: bytes, old: bytes, new: bytes, severity: Severity, code: str
) -> None:
    assert old in full
    assert set(codes(read(full.replace(old, new), cda), severity)) == {code}


def test_a_name_and_a_birth_date_of_somebody_else_refuse_the_archive(full: bytes, cda: bytes) -> None:
    other = full.replace(b"PID-7|19780214", b"PID-7|19800117").replace(b"PID-5|TESTINI^", b"PID-5|AUTRE^")
    reading = read(other.replace(b"PID-5|ESSAI^", b"PID-5|TIERS^"), cda)

    assert codes(reading, Severity.ERROR) == ["patient-mismatch"]
    assert not reading.accepted


def test_what_is_called_a_picture_and_is_none_is_refused(full: bytes, cda: bytes) -> None:
    assert codes(read(full, cda, b"MZ program"), Severity.ERROR) == ["not-xml"]


def test_a_plain_text_is_the_text_of_its_document(full: bytes, cda: bytes) -> None:
    reading = read(full.replace(b"image/png", b"text/plain"), cda, "Va bien.\r\nÀ revoir.".encode())

    assert reading.documents[1].text == "Va bien.\nÀ revoir."
    assert reading.documents[1].attachments == ()


def test_the_name_of_birth_is_the_one_of_type_l_wherever_it_stands() -> None:
    info = ("PID-5|USAGE^ANNE^^^^^D", "PID-5|NAISSANCE^ANNE^^^^^L", "PID-8|F")

    patient = patient_of(info, ())
    assert patient is not None
    assert (patient.family, patient.used_family, patient.given) == ("NAISSANCE", "USAGE", "ANNE")
    assert patient_of((), ()) is None
    nobody = patient_of((), (Identifier(value="1"),))
    assert nobody is not None
    assert nobody.family == ""


def test_a_number_that_another_authority_gave_is_no_rpps() -> None:
    ours = professional("899900000003^ESSAIM^Nadia^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS", "CH^^^^^&1.2.3&ISO^X^^^9")
    theirs = professional("899900000003^ESSAIM^Nadia^^^^^^&1.2.3&ISO^D^^^EI")

    assert (ours.rpps, ours.organisation, ours.organisation_id) == ("99900000003", "CH", None)
    assert (theirs.rpps, theirs.family) == (None, "ESSAIM")
    assert professional("").family == ""
