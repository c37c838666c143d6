"""Documents inside HL7 messages: MDM and ORU of the CI-SIS volet with a CDA or a bare PDF in OBX-5 (IG-TRANS)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.document import Attachment, Document, Finding, Kind, Original, Patient, Stay, Wishes
from gateway.errors import UnreadableDocument
from gateway.parsers.cda import read_cda
from gateway.parsers.hl7_time import moment
from gateway.parsers.hl7v2.agreement import Purpose, purpose_of
from gateway.parsers.hl7v2.datatypes import entity_id
from gateway.parsers.hl7v2.embedded import embedded
from gateway.parsers.hl7v2.er7 import Message, Segment
from gateway.parsers.hl7v2.flags import is_metadata, read_wishes
from gateway.parsers.hl7v2.participations import read_participations
from gateway.parsers.hl7v2.patient import read_patient, read_stay
from gateway.parsers.hl7v2.recipients import recipients
from gateway.parsers.hl7v2.same_patient import check_same_patient
from gateway.parsers.payload import check_pdf, is_pdf
from gateway.parsers.remarks import error, warning

_TEXTS = {"TX", "FT", "ST"}
_UNFINISHED = {"DI", "DO", "IN", "IP", "PA"}
"""HL7 table 0271, TXA-17: dictated, documented, incomplete, in progress, not yet authenticated by all."""

_PRELIMINARY = {"I", "O", "P", "R", "S"}
"""HL7 table 0085, OBX-11: not validated, or a part of what will come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the message says about all its documents."""

    message: Message
    patient: Patient
    stay: Stay | None
    wishes: Wishes
    control_id: str | None


def read_letter(message: Message, findings: list[Finding], *, volet: bool) -> tuple[Document, ...]:
    """The documents of the message; what refuses it is in ``findings``. ``volet`` says whether MSH-21 names CI-SIS."""
    pids = message.all(b"PID")
    if len(pids) > 1:
        findings.append(
            error("several-patients", "PID[2]", "a document is about one patient; send one message for each")
        )
    patient = read_patient(message.first(b"PID"), findings)
    if patient is None:
        return ()
    envelope = Envelope(
        message=message,
        patient=patient,
        stay=read_stay(message, message.first(b"PID")),
        wishes=read_wishes(message, findings) if volet else Wishes(),
        control_id=message.first(b"MSH").get(10) or None,
    )
    groups = _groups(message)
    if groups:
        return tuple(document for obx, prts in groups if (document := _one(envelope, obx, prts, findings)))
    return _without_document(envelope, findings)


def _groups(message: Message) -> list[tuple[Segment, Sequence[Segment]]]:
    """Each document OBX with the PRT that follow it; one without its own takes the first document's."""
    groups: list[tuple[Segment, list[Segment]]] = []
    for segment in message.segments():
        if segment.name == b"OBX" and segment.get(2) == "ED" and not is_metadata(segment):
            groups.append((segment, []))
        elif segment.name == b"PRT" and groups:
            groups[-1][1].append(segment)
    shared: Sequence[Segment] = next((prts for _, prts in groups if prts), message.all(b"PRT"))
    return [(obx, prts or shared) for obx, prts in groups]


def _one(envelope: Envelope, obx: Segment, prts: Sequence[Segment], findings: list[Finding]) -> Document | None:
    purpose = purpose_of(envelope.message, obx, findings)
    content = embedded(obx)
    if isinstance(content, Finding):
        if purpose is Purpose.DELETE and content.code == "document-missing":
            return _merged(envelope, _bare(envelope, obx), obx, prts, purpose, findings)
        findings.append(content)
        return None
    document = _document(envelope, obx, content, findings)
    return _merged(envelope, document, obx, prts, purpose, findings) if document else None


def _document(envelope: Envelope, obx: Segment, content: bytes, findings: list[Finding]) -> Document | None:
    place = obx.place(5)
    if is_pdf(content):
        findings.extend(check_pdf(content, place))
        return replace(
            _bare(envelope, obx),
            original=Original(format="pdf", content=content, media_type="application/pdf", name="document.pdf"),
            attachments=(Attachment(name="document.pdf", media_type="application/pdf", content=content),),
        )
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        words = "what OBX-5 holds is neither a CDA nor a PDF; put the document itself there, in base64"
        findings.append(error("document-unreadable", place, words))
        return None
    try:
        reading = read_cda(content)
    except UnreadableDocument as refusal:
        findings.extend(_placed(refusal.findings, place))
        return None
    findings.extend(_placed(reading.findings, place))
    return reading.documents[0] if reading.documents else None


def _placed(findings: tuple[Finding, ...], place: str) -> list[Finding]:
    return [replace(finding, place=f"{place} {finding.place}") for finding in findings]


def _bare(envelope: Envelope, obx: Segment) -> Document:
    """A document of which only the message tells: its kind and when it was written."""
    message = envelope.message
    return Document(
        kind=_kind(message, obx),
        original=Original(format="hl7v2", content=message.content, media_type="application/hl7-v2", name="message.hl7"),
        written_at=moment(message.first(b"TXA").get(4)) or moment(message.first(b"OBR").get(22)),
        title=obx.get(3, 2),
        id=entity_id(message.first(b"TXA").element(12)),
    )


def _kind(message: Message, obx: Segment) -> Kind:
    """From OBX-3, else OBR-4, else TXA-2; the code only when it is LOINC or TRE_A05 (JDV_J07)."""
    obr, txa = message.first(b"OBR"), message.first(b"TXA")
    for element in (obx.element(3), obr.element(4), txa.element(2)):
        if element.get(3).upper() in {"LN", "TRE_A05"}:
            return Kind(loinc=element.get(1), label=element.get(2))
    return Kind(loinc=None, label=obx.get(3, 2) or obr.get(4, 2) or txa.get(2, 2))


def _merged(
    envelope: Envelope,
    document: Document,
    obx: Segment,
    prts: Sequence[Segment],
    purpose: Purpose,
    findings: list[Finding],
) -> Document:
    """The message wins for identity, stay and addressees; the document keeps what only it knows."""
    if document.patient:
        findings.extend(check_same_patient(envelope.patient, document.patient, f"{obx.place(5)} recordTarget"))
    prt = read_participations(prts, findings)
    kind = document.kind if document.kind.loinc else _kind(envelope.message, obx)
    txa = envelope.message.first(b"TXA")
    _remark_on_ids(document, txa, findings)
    parent = document.replaces or entity_id(txa.element(13))
    if purpose is Purpose.REPLACE and not parent:
        words = "a replacement that does not name the document it replaces; fill TXA-13 or relatedDocument"
        findings.append(warning("replaced-document-unnamed", "TXA-13", words))
    return replace(
        document,
        kind=kind,
        patient=envelope.patient,
        stay=_stay(envelope.stay, document.stay),
        author=document.author or prt.sender,
        addressees=recipients(envelope.message, replace(document, patient=envelope.patient), prt, findings),
        partial=txa.get(17) in _UNFINISHED or obx.get(11) in _PRELIMINARY,
        replaces=parent if purpose is Purpose.REPLACE else document.replaces,
        cancels=document.id or entity_id(txa.element(12)) if purpose is Purpose.DELETE else None,
        wishes=replace(_masked(envelope.wishes, document.wishes), reply_to=prt.reply_to),
        control_id=envelope.control_id,
    )


def _masked(outer: Wishes, inner: Wishes) -> Wishes:
    """What either hides stays hidden: the message may be silent of what its document forbids."""
    return replace(
        outer,
        hidden_from_professionals=_either(outer.hidden_from_professionals, inner.hidden_from_professionals),
        hidden_from_patient=_either(outer.hidden_from_patient, inner.hidden_from_patient),
        hidden_from_legal_representatives=_either(
            outer.hidden_from_legal_representatives, inner.hidden_from_legal_representatives
        ),
    )


def _either(outer: bool | None, inner: bool | None) -> bool | None:  # noqa: FBT001 (what two places say)
    return inner if outer is None else outer or bool(inner)


def _remark_on_ids(document: Document, txa: Segment, findings: list[Finding]) -> None:
    stated = txa.element(12)
    if document.id and stated and document.id.partition("^")[0] not in {stated.get(1), stated.get(3)}:
        findings.append(
            warning("txa-12-differs", "TXA-12", "TXA-12 is not the id of the document in OBX-5; correct it")
        )


def _stay(outer: Stay | None, inner: Stay | None) -> Stay | None:
    if outer is None or inner is None:
        return outer or inner
    return Stay(
        visit=outer.visit or inner.visit,
        file_number=outer.file_number or inner.file_number,
        admitted_at=outer.admitted_at or inner.admitted_at,
        discharged_at=outer.discharged_at or inner.discharged_at,
        unit=outer.unit or inner.unit,
        hospital=outer.hospital or inner.hospital,
    )


def _without_document(envelope: Envelope, findings: list[Finding]) -> tuple[Document, ...]:
    """An MDM without ED may be a letter in text segments; otherwise the document is missing."""
    texts = [obx for obx in envelope.message.all(b"OBX") if obx.get(2) in _TEXTS and not is_metadata(obx)]
    text = "\n".join(element.text for obx in texts for element in obx.elements(5)).strip()
    if not text:
        findings.append(error("document-missing", "OBX-5", "no OBX holds a document; send it in OBX-5 (ED, base64)"))
        return ()
    bare = replace(_bare(envelope, texts[0]), text=text)
    purpose = purpose_of(envelope.message, texts[0], findings)
    return (_merged(envelope, bare, texts[0], envelope.message.all(b"PRT"), purpose, findings),)
