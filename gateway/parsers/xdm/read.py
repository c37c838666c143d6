"""An IHE_XDM.zip: its subsets, their metadata, and the documents that really are what the metadata says."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from gateway.document import Document, Finding, Kind, Original, Reading, Severity
from gateway.errors import UnreadableDocument
from gateway.parsers.cda import read_cda
from gateway.parsers.kinds import masks
from gateway.parsers.payload import is_pdf
from gateway.parsers.remarks import error, note, warning
from gateway.parsers.xdm.agreement import damage_of, differences, set_remarks
from gateway.parsers.xdm.archive import Archive, open_archive
from gateway.parsers.xdm.files import file_document, is_file
from gateway.parsers.xdm.metadata import Entry, Submission, submission_of

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
    if subsets and not documents and not any(one.severity is Severity.ERROR for one in findings):
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
    submission = submission_of(archive.read(metadata) or b"")
    if submission is None or len(submission.entries) > _MAX_DOCUMENTS:
        words = f"XDM refused: the metadata must be a SubmitObjectsRequest of at most {_MAX_DOCUMENTS} documents"
        findings.append(error("metadata-unreadable", "METADATA.XML", words))
        return []
    findings.extend(set_remarks(submission))
    found = [_document(archive, folder, entry, submission, findings) for entry in submission.entries]
    return [document for document in found if document]


def _place(folder: str, entry: Entry) -> str:
    """Where a document is, unless its name is the sender's own: that might be the patient's."""
    name = f"{folder}/{entry.uri}".upper()
    return name if _PLAIN.fullmatch(name) else "METADATA.XML URI"


def _document(
    archive: Archive, folder: str, entry: Entry, submission: Submission, findings: list[Finding]
) -> Document | None:
    place = _place(folder, entry)
    content = archive.read(f"{folder}/{entry.uri}") if entry.uri else None
    if content is None:
        words = "XDM refused: the metadata name this document but the archive does not hold it; pack it again"
        findings.append(error("document-missing", place, words))
        return None
    damage = damage_of(content, entry, place)
    findings.extend(damage)
    if any(one.severity is Severity.ERROR for one in damage):
        return None
    alone = is_pdf(content) or is_file(content, entry)
    document = (
        file_document(content, entry, submission, findings, place=place) if alone else _cda(content, place, findings)
    )
    if document is None:
        return None
    findings.extend(differences(document, entry, place))
    return _with_action(_completed(document, entry), entry, submission, findings, place)


def _cda(content: bytes, place: str, findings: list[Finding]) -> Document | None:
    try:
        reading = read_cda(content)
    except UnreadableDocument as refusal:
        findings.extend(_placed(refusal.findings, place))
        return None
    findings.extend(_placed(reading.findings, place))
    return reading.documents[0] if reading.documents else None


def _completed(document: Document, entry: Entry) -> Document:
    """What only the metadata say: to whom it must not be shown, and the kind where the document states none."""
    own = document.wishes
    hidden = (
        ("MASQUE_PS", own.hidden_from_professionals),
        ("INVISIBLE_PATIENT", own.hidden_from_patient),
        ("INVISIBLE_REPRESENTANTS_LEGAUX", own.hidden_from_legal_representatives),
    )
    wishes = masks([*entry.confidentiality, *(code for code, said in hidden if said)])
    stated = document.kind.loinc or not entry.kind.loinc
    kind = document.kind if stated else Kind(loinc=entry.kind.loinc, label=entry.kind.label or document.kind.label)
    return replace(document, kind=kind, wishes=wishes)


def _with_action(
    document: Document, entry: Entry, submission: Submission, findings: list[Finding], place: str
) -> Document:
    if entry.action == "D":
        return replace(document, cancels=document.id or entry.unique_id)
    replacing = entry.action == "C" or entry.name in submission.replacing
    if replacing and not document.replaces:
        words = "the metadata say that it replaces another, the document does not name which (relatedDocument RPLC)"
        findings.append(warning("replaced-document-unnamed", place, words))
    elif entry.action not in {"", "C"}:
        findings.append(note("action-unknown", place, "extraMetadataSlot is neither C nor D; taken as a new document"))
    return document


def _placed(findings: tuple[Finding, ...], place: str) -> list[Finding]:
    return [replace(finding, place=f"{place} {finding.place}") for finding in findings]
