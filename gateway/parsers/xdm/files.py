"""Documents of an archive that are no CDA: a PDF, a picture, a text; the metadata tell what they are and about whom."""

from __future__ import annotations

import posixpath

from gateway.document import Attachment, Document, Finding, Original, Patient, Stay
from gateway.parsers.charsets import decode
from gateway.parsers.kinds import STAY_REPORTS
from gateway.parsers.payload import check_pdf, is_pdf
from gateway.parsers.pdf import conformance_of
from gateway.parsers.xdm.metadata import Entry, Submission
from gateway.parsers.xdm.people import patient_of

_PICTURES = {"image/jpeg": (b"\xff\xd8\xff",), "image/png": (b"\x89PNG",), "image/tiff": (b"II*\x00", b"MM\x00*")}
_TEXT = "text/plain"


def is_file(content: bytes, entry: Entry) -> bool:
    """Whether the bytes are what the entry says, a picture or a plain text; XML is never taken for a text."""
    mark = _PICTURES.get(entry.media_type)
    if mark is not None:
        return content.startswith(mark)
    return entry.media_type == _TEXT and not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def file_document(
    content: bytes, entry: Entry, submission: Submission, findings: list[Finding], *, place: str
) -> Document:
    """A document that the metadata alone describe; its set vouches for what its entry does not say."""
    media_type = "application/pdf" if is_pdf(content) else entry.media_type
    findings.extend(check_pdf(content, place) if media_type == "application/pdf" else ())
    name, text = posixpath.basename(entry.uri), ""
    if media_type == _TEXT:
        decoded = decode(content)
        findings.extend(decoded.findings)
        text = decoded.text.replace("\r\n", "\n").replace("\r", "\n").strip()
    claim = conformance_of(content) if media_type == "application/pdf" else ""
    file = Attachment(name=name, media_type=media_type, content=content, conformance=claim)
    form = {"application/pdf": "pdf", _TEXT: "text"}.get(media_type, "file")
    return Document(
        id=entry.unique_id,
        kind=entry.kind,
        original=Original(format=form, content=content, media_type=media_type, name=name),
        patient=_patient(entry),
        stay=_stay(entry),
        author=entry.author or next((one.author for one in submission.sets if one.author), None),
        legal_authenticator=entry.legal_authenticator,
        written_at=entry.created_at,
        title=entry.title,
        text=text,
        attachments=() if text else (file,),
    )


def _patient(entry: Entry) -> Patient | None:
    stated = dict.fromkeys(one for one in (entry.patient_id, entry.source_patient_id) if one is not None)
    return patient_of(entry.patient_info, tuple(stated))


def _stay(entry: Entry) -> Stay | None:
    """The service of a discharge letter is the stay itself (mssante.md §2.2); of another document it is not."""
    if entry.kind.loinc not in STAY_REPORTS or not (entry.started_at or entry.stopped_at):
        return None
    return Stay(admitted_at=entry.started_at, discharged_at=entry.stopped_at)
