"""An IHE_XDM.zip: its subsets, their metadata, and the documents that really are what the metadata says."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from hashlib import sha1

from gateway.document import Attachment, Document, Finding, Original, Patient, Reading
from gateway.errors import UnreadableDocument
from gateway.parsers.cda import read_cda
from gateway.parsers.hl7_time import birth_date
from gateway.parsers.payload import check_pdf, is_pdf
from gateway.parsers.remarks import error, note, warning
from gateway.parsers.xdm.archive import Archive, open_archive
from gateway.parsers.xdm.metadata import Entry, entries_of

_PLAIN = re.compile(r"IHE_XDM/SUBSET[0-9]{1,2}/DOC[0-9]{1,5}\.[A-Z]{3}")
_METADATA = re.compile(r"IHE_XDM/[^/]+/METADATA\.XML")
_MAX_DOCUMENTS = 200
_MAX_SUBSETS = 20


def read_xdm(content: bytes) -> Reading:
    """All documents of the archive, each checked against size, SHA-1 and patient of its metadata.

    ``Document.original`` is the whole archive when it holds one document, else the document itself. Raises
    ``UnreadableDocument`` when the archive is not safe to open, or a file in it cannot be had.
    """
    archive = open_archive(content)
    findings: list[Finding] = []
    documents: list[Document] = []
    subsets = [name for name in archive.names if _METADATA.fullmatch(name)]
    if len(subsets) > _MAX_SUBSETS:
        words = f"XDM refused: more than {_MAX_SUBSETS} subsets; send fewer documents at a time"
        findings.append(error("too-many-subsets", "IHE_XDM.zip", words))
    if not subsets:
        words = "XDM refused: no IHE_XDM/SUBSET01/METADATA.XML in it; send an archive of the IHE XDM profile"
        findings.append(error("metadata-missing", "IHE_XDM.zip", words))
    for name in subsets[:_MAX_SUBSETS]:
        documents.extend(_subset(archive, name, findings))
    if subsets and not documents and not findings:
        findings.append(error("xdm-empty", "METADATA.XML", "XDM refused: the metadata name no document"))
    if len(documents) == 1:
        original = Original(format="xdm", content=content, media_type="application/zip", name="IHE_XDM.zip")
        documents = [replace(documents[0], original=original)]
    return Reading(
        format="xdm",
        variant=f"IHE XDM, {len(subsets)} subset{'s' if len(subsets) != 1 else ''}",
        charset="utf-8",
        documents=tuple(documents),
        findings=tuple(findings),
    )


def _subset(archive: Archive, metadata: str, findings: list[Finding]) -> list[Document]:
    folder = posixpath.dirname(metadata)
    content = archive.read(metadata) or b""
    entries = entries_of(content)
    if entries is None or len(entries) > _MAX_DOCUMENTS:
        words = f"XDM refused: the metadata must be a SubmitObjectsRequest of at most {_MAX_DOCUMENTS} documents"
        findings.append(error("metadata-unreadable", "METADATA.XML", words))
        return []
    found = [_document(archive, folder, entry, findings) for entry in entries]
    return [document for document in found if document]


def _place(folder: str, entry: Entry) -> str:
    """Where a document is, unless its name is the sender's own: that might be the patient's."""
    name = f"{folder}/{entry.uri}".upper()
    return name if _PLAIN.fullmatch(name) else "METADATA.XML URI"


def _document(archive: Archive, folder: str, entry: Entry, findings: list[Finding]) -> Document | None:
    place = _place(folder, entry)
    content = archive.read(f"{folder}/{entry.uri}") if entry.uri else None
    if content is None:
        words = "XDM refused: the metadata name this document but the archive does not hold it; pack it again"
        findings.append(error("document-missing", place, words))
        return None
    if not _intact(content, entry, place, findings):
        return None
    document = _pdf(content, entry, place, findings) if is_pdf(content) else _cda(content, place, findings)
    if document is None:
        return None
    findings.extend(_check_against_metadata(document, entry, place))
    return _with_action(document, entry, findings, place)


def _intact(content: bytes, entry: Entry, place: str, findings: list[Finding]) -> bool:
    """Whether size and SHA-1 (both of ITI TF-3 §4.2.3.2) are those of the metadata; not stated is a warning."""
    if entry.size and entry.size != str(len(content)):
        words = "XDM refused: the document has not the size that the metadata state; pack it again"
        findings.append(error("size-differs", place, words))
        return False
    if entry.hash and entry.hash != sha1(content, usedforsecurity=False).hexdigest():
        words = "XDM refused: the document has not the hash that the metadata state; pack it again"
        findings.append(error("hash-differs", place, words))
        return False
    if not entry.size or not entry.hash:
        findings.append(warning("hash-not-stated", place, "the metadata lack hash or size, so damage cannot be seen"))
    return True


def _cda(content: bytes, place: str, findings: list[Finding]) -> Document | None:
    try:
        reading = read_cda(content)
    except UnreadableDocument as refusal:
        findings.extend(_placed(refusal.findings, place))
        return None
    findings.extend(_placed(reading.findings, place))
    return reading.documents[0] if reading.documents else None


def _pdf(content: bytes, entry: Entry, place: str, findings: list[Finding]) -> Document:
    """A PDF beside or instead of a CDA: the metadata tell what it is and about whom."""
    findings.extend(check_pdf(content, place))
    name = posixpath.basename(entry.uri)
    return Document(
        id=entry.unique_id,
        kind=entry.kind,
        original=Original(format="pdf", content=content, media_type="application/pdf", name=name),
        patient=_patient(entry),
        attachments=(Attachment(name=name, media_type="application/pdf", content=content),),
    )


def _patient(entry: Entry) -> Patient | None:
    """From sourcePatientInfo (``PID-5|NOM^PRENOM^^^^^L``, ``PID-7|19790328``) and patientId."""
    facts = dict(line.split("|", 1) for line in entry.patient_info if "|" in line)
    names = [*facts.get("PID-5", "").split("^"), "", ""]
    if not names[0] and entry.patient_id is None:
        return None
    return Patient(
        family=names[0],
        given=names[1],
        birth_date=birth_date(facts.get("PID-7", "")),
        sex=facts.get("PID-8") or None,
        identifiers=(entry.patient_id,) if entry.patient_id else (),
    )


def _check_against_metadata(document: Document, entry: Entry, place: str) -> list[Finding]:
    stated, found = entry.patient_id, document.patient
    remarks = []
    if stated and found and not any(one.value == stated.value for one in found.identifiers):
        same_authority = any(one.authority == stated.authority for one in found.identifiers)
        remark, words = (error, "is another's") if same_authority else (warning, "is not among the document's numbers")
        remarks.append(remark("patient-mismatch", place, f"the patientId of the metadata {words}; correct the archive"))
    if entry.unique_id and document.id and entry.unique_id != document.id:
        remarks.append(warning("unique-id-differs", place, "uniqueId in the metadata is not the id of the document"))
    return remarks


def _with_action(document: Document, entry: Entry, findings: list[Finding], place: str) -> Document:
    if entry.action == "D":
        return replace(document, cancels=document.id or entry.unique_id)
    if entry.action == "C" and not document.replaces:
        words = "the metadata say that it replaces another, the document does not name which (relatedDocument RPLC)"
        findings.append(warning("replaced-document-unnamed", place, words))
    elif entry.action not in {"", "C"}:
        findings.append(note("action-unknown", place, "extraMetadataSlot is neither C nor D; taken as a new document"))
    return document


def _placed(findings: tuple[Finding, ...], place: str) -> list[Finding]:
    return [replace(finding, place=f"{place} {finding.place}") for finding in findings]
