"""METADATA.XML of an XDM archive: ebRIM 3.0 as the national profile fills it (mssante.md §2.2 to §2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from gateway.compose.cda_header import CdaHeader, component
from gateway.compose.codes import class_code, content_type, flags, format_code
from gateway.compose.dispatch import PARIS, Dispatch
from gateway.compose.ebrim import (
    LCM,
    NSMAP,
    RIM,
    approved,
    association,
    classify,
    external,
    localized,
    slot,
    submission_node,
)
from gateway.compose.identity import iso_birth
from gateway.compose.patient_id import hospital_oid, patient_id, source_patient_id
from gateway.compose.profile import Coded
from gateway.document import Document, Patient

_DOCUMENT = {
    "author": "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d",
    "class": "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a",
    "type": "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983",
    "format": "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d",
    "confidentiality": "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f",
    "facility": "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1",
    "practice": "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead",
    "patient": "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
    "unique": "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
}
_SET = {
    "author": "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d",
    "content": "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500",
    "patient": "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
    "source": "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832",
    "unique": "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
}
_STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
_SET_ID = "SubmissionSet01"
_DIGITS = "%Y%m%d%H%M%S"
_HL7_TIME = re.compile(
    r"(?P<day>[0-9]{4,8})(?:(?P<time>[0-9]{4}(?:[0-9]{2})?)(?:\.[0-9]+)?)?(?P<zone>[+-][0-9]{4})?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One CDA of the archive: its bytes, its header, and the document it belongs to."""

    content: bytes = field(repr=False)
    header: CdaHeader
    document: Document

    @property
    def code(self) -> str:
        """``code/@code`` of the CDA (X-MSS-CODECDA)."""
        return self.header.code.code

    @property
    def label(self) -> str:
        """``code/@displayName``, what the subject shows."""
        return self.header.code.label or self.document.kind.label


def metadata(dispatch: Dispatch, entries: tuple[Entry, ...]) -> bytes:
    """The whole file: one DocumentEntry for each CDA, one submission set, the associations that hold them."""
    request = etree.Element(f"{LCM}SubmitObjectsRequest", nsmap=NSMAP)
    objects = etree.SubElement(request, f"{RIM}RegistryObjectList")
    for number, entry in enumerate(entries, start=1):
        _document_entry(objects, dispatch, entry, number)
    _submission_set(objects, dispatch, entries)
    for number in range(1, len(entries) + 1):
        association(objects, _SET_ID, f"Document{number:02}", number)
    return etree.tostring(request, xml_declaration=True, encoding="UTF-8")


def document_name(number: int) -> str:
    """8.3, upper case (IHE ITI TF-3, media profile)."""
    return f"DOC{number:04}.XML"


def unique_oid(*parts: str) -> str:
    """An OID that nobody else makes: ``2.25.`` and a UUID as a number (ITU-T X.667)."""
    return f"2.25.{uuid5(NAMESPACE_OID, '|'.join(parts)).int}"


def utc_digits(text: str) -> str:
    """An HL7 time as UTC digits; a date, or a time without zone, is of Paris (a date stays a date)."""
    found = _HL7_TIME.fullmatch(text.strip())
    if found is None or not found["time"]:
        return found["day"] if found else ""
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time'].ljust(6, '0')}{found['zone'] or ''}")
    except ValueError:
        return ""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=PARIS)
    return aware.astimezone(UTC).strftime(_DIGITS)


def _document_entry(objects: etree._Element, dispatch: Dispatch, entry: Entry, number: int) -> None:
    name, header = f"Document{number:02}", entry.header
    node = etree.SubElement(
        objects, f"{RIM}ExtrinsicObject", id=name, mimeType="text/xml", objectType=_STABLE, status=approved()
    )
    _entry_slots(node, dispatch, entry, number)
    localized(node, "Name", header.title or entry.label)
    _author(node, _DOCUMENT["author"], dispatch, header)
    for key, code in _codes(dispatch, entry):
        classify(node, _DOCUMENT[key], code)
    external(node, _DOCUMENT["patient"], "XDSDocumentEntry.patientId", patient_id(dispatch, entry.document))
    external(node, _DOCUMENT["unique"], "XDSDocumentEntry.uniqueId", header.id)


def _entry_slots(node: etree._Element, dispatch: Dispatch, entry: Entry, number: int) -> None:
    header, document = entry.header, entry.document
    replaces = bool(header.replaced or document.replaces)
    slot(node, "creationTime", utc_digits(header.effective_time) or dispatch.about.astimezone(UTC).strftime(_DIGITS))
    slot(node, "hash", sha1(entry.content, usedforsecurity=False).hexdigest())
    slot(node, "languageCode", header.language)
    slot(node, "legalAuthenticator", header.legal_authenticator)
    slot(node, "serviceStartTime", utc_digits(header.start) or _digits(document, "admitted_at"))
    slot(node, "serviceStopTime", utc_digits(header.stop) or _digits(document, "discharged_at"))
    slot(node, "size", str(len(entry.content)))
    slot(node, "sourcePatientId", source_patient_id(dispatch, document))
    slot(node, "sourcePatientInfo", *_patient_info(document.patient))
    slot(node, "URI", document_name(number))
    if replaces or document.cancels:
        slot(node, "urn:action:extraMetadataSlot", "D" if document.cancels else "C")


def _codes(dispatch: Dispatch, entry: Entry) -> list[tuple[str, Coded]]:
    header, profile = entry.header, dispatch.profile
    hidden = [("confidentiality", flag) for flag in flags(entry.document.wishes)]
    return [
        ("class", class_code(entry.code, profile)),
        ("confidentiality", header.confidentiality),
        *hidden,
        ("format", format_code(header.templates, unstructured=header.unstructured)),
        ("facility", header.facility or profile.facility),
        ("practice", header.practice or profile.practice),
        ("type", header.code),
    ]


def _submission_set(objects: etree._Element, dispatch: Dispatch, entries: tuple[Entry, ...]) -> None:
    first = entries[0]
    title = first.header.title or first.label if len(entries) == 1 else f"{len(entries)} {dispatch.words.documents}"
    node = etree.SubElement(objects, f"{RIM}RegistryPackage", id=_SET_ID, status=approved())
    slot(node, "submissionTime", dispatch.now.astimezone(UTC).strftime(_DIGITS))
    localized(node, "Name", title)
    _author(node, _SET["author"], dispatch, first.header)
    classify(node, _SET["content"], content_type(first.document.stay))
    external(node, _SET["patient"], "XDSSubmissionSet.patientId", patient_id(dispatch, first.document))
    external(node, _SET["source"], "XDSSubmissionSet.sourceId", hospital_oid(dispatch))
    external(node, _SET["unique"], "XDSSubmissionSet.uniqueId", unique_oid("set", dispatch.delivery))
    submission_node(objects, _SET_ID)


def _author(node: etree._Element, scheme: str, dispatch: Dispatch, header: CdaHeader) -> None:
    profile = dispatch.profile
    ours = f"{component(profile.hospital)}^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^{component(profile.structure_id)}"
    institution = header.author_institution or (ours if profile.structure_id else component(profile.hospital))
    author = classify(node, scheme, None)
    slot(author, "authorPerson", header.author_person)
    slot(author, "authorInstitution", institution)
    slot(author, "authorSpecialty", header.author_specialty)


def _digits(document: Document, which: str) -> str:
    moment: datetime | None = getattr(document.stay, which, None)
    return moment.astimezone(UTC).strftime(_DIGITS) if moment else ""


def _patient_info(patient: Patient | None) -> tuple[str, ...]:
    if patient is None:
        return ()
    birth = iso_birth(patient).replace("-", "")
    info = [f"PID-5|{component(patient.family)}^{component(patient.given)}^^^^^L"]
    if patient.used_family:
        info.append(f"PID-5|{component(patient.used_family)}^{component(patient.given)}^^^^^D")
    info += [f"PID-7|{birth}"] if birth else []
    info += [f"PID-8|{patient.sex}"] if patient.sex else []
    info += [f"PID-11|^^^^^^BDL^^{component(patient.birth_place)}"] if patient.birth_place else []
    return tuple(info)
