"""A plain ORU^R01 lab report: one document per patient of the message (HL7 2.3–2.6)."""

from __future__ import annotations

from datetime import datetime

from gateway.document import Document, Finding, Kind, Original, Professional
from gateway.parsers.hl7_time import moment
from gateway.parsers.hl7v2.doctors import named_doctors
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.hl7v2.patient import read_patient, read_stay
from gateway.parsers.hl7v2.results import Report
from gateway.parsers.remarks import error, warning

_LAB_REPORT = "11502-2"
_LAB_SECTIONS = {"LAB", "CH", "HM", "MB", "SR", "BG", "IMM", "TX", "VR", "MCB", "MYC", "BLB", "GE", "SP", "CP"}
"""Laboratory sections of OBR-24 (table 0074)."""

_PARTIAL = {"P", "I", "S", "R", "A", "O"}
_FINAL = {"F", "C"}
_URGENT = {"S", "A"}


def read_lab(message: Message, findings: list[Finding]) -> tuple[Document, ...]:
    """The report of each patient; a message with several patients is split into as many, none sees another's."""
    parts = _by_patient(message)
    documents = (_document(part, findings) for part in parts)
    return tuple(document for document in documents if document)


def _by_patient(message: Message) -> list[Message]:
    """One message per PID, each with the header and its own segments only."""
    starts = [index for index, line in enumerate(message.lines) if line.startswith(b"PID")]
    if len(starts) < 2:
        return [message]
    header = message.lines[: starts[0]]
    ends = [*starts[1:], len(message.lines)]
    parts = [(*header, *message.lines[start:end]) for start, end in zip(starts, ends, strict=True)]
    return [Message(message.delimiters, lines, message.codec, b"\r".join(lines) + b"\r") for lines in parts]


def _document(message: Message, findings: list[Finding]) -> Document | None:
    patient = read_patient(message.first(b"PID"), findings)
    report = Report()
    for segment in message.segments():
        report.take(segment, findings)
    if not any(result.value or result.comment for result in report.results) and not report.attachments:
        if not report.unreadable:
            findings.append(error("no-results", "OBX", "no OBX holds a result or a document; send the results"))
        return None
    if patient is None:
        return None
    obr, title = message.first(b"OBR"), _kind(message, report)
    _remark_on_status(message, findings)
    interpreter = _interpreter(message)
    return Document(
        kind=title,
        original=Original(format="hl7v2", content=message.content, media_type="application/hl7-v2", name="message.hl7"),
        patient=patient,
        stay=read_stay(message, message.first(b"PID")),
        author=interpreter,
        legal_authenticator=interpreter if interpreter.family else None,
        written_at=moment(obr.get(22)) or moment(obr.get(14)) or moment(message.first(b"MSH").get(7)),
        validated_at=_validated_at(message),
        addressees=named_doctors(message, findings),
        title=obr.get(4, 2),
        text="\n".join(report.notes),
        results=tuple(report.results),
        attachments=tuple(report.attachments),
        urgent=any(one.get(27, 6) in _URGENT or one.get(5) in _URGENT for one in message.all(b"OBR")),
        control_id=message.first(b"MSH").get(10) or None,
    )


def _kind(message: Message, report: Report) -> Kind:
    """A lab report when OBR-24 names a laboratory section or a result is a number; otherwise only its own words."""
    obr = message.first(b"OBR")
    if obr.get(24) in _LAB_SECTIONS or any(result.numeric for result in report.results):
        return Kind(loinc=_LAB_REPORT, label="Compte rendu d'examens biologiques")
    return Kind(loinc=None, label=obr.get(4, 2) or obr.get(4))


def _validated_at(message: Message) -> datetime | None:
    """When the last part became final (OBR-22 where OBR-25 is F or C)."""
    times = [moment(obr.get(22)) for obr in message.all(b"OBR") if obr.get(25) in _FINAL]
    return max((time for time in times if time), default=None)


def _remark_on_status(message: Message, findings: list[Finding]) -> None:
    """A report that is not complete must say so (D.6211-3 CSP)."""
    for obr in message.all(b"OBR"):
        if obr.get(25) in _PARTIAL:
            words = "OBR-25 says that these results are partial or not validated; the letter must say so too"
            findings.append(warning("partial-results", obr.place(25), words))
            return


def _interpreter(message: Message) -> Professional:
    """Who answers for the results (OBR-32, NDL: the person is in its first component) and which laboratory."""
    obr: Segment = message.first(b"OBR")
    laboratory = message.first(b"OBX").get(23) or message.first(b"MSH").get(4)
    return Professional(family=obr.get(32, 1, 2), given=obr.get(32, 1, 3), organisation=laboratory)
