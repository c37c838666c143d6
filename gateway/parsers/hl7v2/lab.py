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
_MISPLACED = (b"OBR", b"OBX")
_URGENT = {"S", "A"}
_DOCUMENTS = frozenset(
    {"11502-2", "18748-4", "60568-3", "11488-4", "34874-8", "34112-3", "11490-0", "15507-7", "60280-5", "34133-9"}
)
"""Codes of JDV_J07 that name a whole document: a panel in OBR-4 has a LOINC code too."""


def read_lab(message: Message, findings: list[Finding]) -> tuple[Document, ...]:
    """The report of each patient; a message with several patients is split into as many, none sees another's."""
    if stray := _before_patient(message):
        words = "results stand before the first PID: whose they are cannot be told; send PID first"
        findings.append(error("results-before-patient", stray, words))
        return ()
    parts = _by_patient(message)
    documents = (_document(part, findings) for part in parts)
    return tuple(document for document in documents if document)


def _before_patient(message: Message) -> str:
    """The place of a result that no PID comes before."""
    names = message.names
    ahead = names[: names.index(b"PID")] if b"PID" in names else []
    return next((f"{name.decode('ascii')}[1]" for name in ahead if name in _MISPLACED), "")


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
    report.read(message, findings)
    if not any(result.value or result.comment for result in report.results) and not report.attachments:
        if not report.unreadable:
            findings.append(error("no-results", "OBX", "no OBX holds a result or a document; send the results"))
        return None
    if patient is None:
        return None
    obr, title = message.first(b"OBR"), _kind(message, report)
    partial = _is_partial(message, findings)
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
        urgent=_is_urgent(message),
        partial=partial,
        control_id=message.first(b"MSH").get(10) or None,
    )


def _kind(message: Message, report: Report) -> Kind:
    """What OBR-4 says of the whole document; else a lab report when OBR-24 or a number shows one."""
    obr = message.first(b"OBR")
    if obr.get(4) in _DOCUMENTS:
        return Kind(loinc=obr.get(4), label=obr.get(4, 2))
    if obr.get(24) in _LAB_SECTIONS or any(result.numeric for result in report.results):
        return Kind(loinc=_LAB_REPORT, label="Compte rendu d'examens biologiques")
    return Kind(loinc=None, label=obr.get(4, 2) or obr.get(4))


def _validated_at(message: Message) -> datetime | None:
    """When the last part became final (OBR-22 where OBR-25 is F or C)."""
    times = [moment(obr.get(22)) for obr in message.all(b"OBR") if obr.get(25) in _FINAL]
    return max((time for time in times if time), default=None)


def _is_urgent(message: Message) -> bool:
    """The priority of the order: OBR-5 and OBR-27 before 2.5, TQ1-9 since."""
    orders = message.all(b"OBR")
    return any(obr.get(27, 6) in _URGENT or obr.get(5) in _URGENT for obr in orders) or any(
        tq1.get(9) in _URGENT for tq1 in message.all(b"TQ1")
    )


def _is_partial(message: Message, findings: list[Finding]) -> bool:
    """Whether an order is not complete: its report must say so (D.6211-3 CSP)."""
    for obr in message.all(b"OBR"):
        if obr.get(25) in _PARTIAL:
            words = "OBR-25 says that these results are partial or not validated; the letter must say so too"
            findings.append(warning("partial-results", obr.place(25), words))
            return True
    return False


def _interpreter(message: Message) -> Professional:
    """Who answers for the results and which laboratory (OBR-32 is an NDL: the person is in its first component).

    Some write a person with components there (XCN); the second one of an NDL is a time.
    """
    obr: Segment = message.first(b"OBR")
    laboratory = message.first(b"OBX").get(23) or message.first(b"MSH").get(4)
    family, given = obr.get(32, 1, 2), obr.get(32, 1, 3)
    if not family and not obr.get(32, 2)[:1].isdigit():
        family, given = obr.get(32, 2), obr.get(32, 3)
    return Professional(family=family, given=given, organisation=laboratory)
