"""METADATA.XML of an XDM archive: an ebRIM SubmitObjectsRequest of document entries and their submission set.

IHE ITI TF-3 §4.2, with the national slot ``urn:action:extraMetadataSlot`` (standards/mssante.md §2.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from gateway.document import Identifier, Kind, Professional
from gateway.parsers.cda.xml import parse_xml
from gateway.parsers.hl7_time import moment
from gateway.parsers.xdm.ebrim import LCM, RIM, classifications, external, localized, slots
from gateway.parsers.xdm.people import author_of, patient_identifier, professional

_TYPE_CODE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
_CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
_AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
_PATIENT_ID = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_SET_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
_SET_PATIENT_ID = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
_EXTRA_SLOT = "urn:action:extraMetadataSlot"
_HAS_MEMBER = "AssociationType:HasMember"
_REPLACES = "AssociationType:RPLC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One DocumentEntry (ExtrinsicObject)."""

    name: str
    """Its id inside the file, what associations point to."""
    uri: str
    media_type: str
    hash: str
    size: str
    kind: Kind
    title: str = field(repr=False, default="")
    patient_id: Identifier | None = field(repr=False, default=None)
    source_patient_id: Identifier | None = field(repr=False, default=None)
    patient_info: tuple[str, ...] = field(repr=False, default=())
    unique_id: str | None = None
    action: str = ""
    """``C`` replaces, ``D`` is to be deleted (urn:action:extraMetadataSlot)."""
    author: Professional | None = None
    legal_authenticator: Professional | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    confidentiality: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """What holds the documents of one METADATA.XML together (RegistryPackage)."""

    name: str
    patient_id: Identifier | None = field(repr=False, default=None)
    author: Professional | None = None
    title: str = field(repr=False, default="")
    recipients: int = 0
    """How many intendedRecipient it names: information, no order to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """All of one METADATA.XML."""

    entries: tuple[Entry, ...]
    sets: tuple[SubmissionSet, ...] = ()
    members: frozenset[str] = frozenset()
    """Names of the entries that a set says it holds."""
    replacing: frozenset[str] = frozenset()
    """Names of the entries that an association says replace another."""


def submission_of(content: bytes) -> Submission | None:
    """Entries in their order, sets and associations; ``None`` when it is no SubmitObjectsRequest.

    Raises ``UnreadableDocument`` when the XML is not safe or not well formed.
    """
    root, _ = parse_xml(content, "METADATA.XML")
    if root.tag != LCM + "SubmitObjectsRequest":
        return None
    associations = list(root.iter(RIM + "Association"))
    return Submission(
        entries=tuple(_entry(found) for found in root.iter(RIM + "ExtrinsicObject")),
        sets=tuple(_set(found) for found in root.iter(RIM + "RegistryPackage")),
        members=_ends(associations, _HAS_MEMBER, "targetObject"),
        replacing=_ends(associations, _REPLACES, "sourceObject"),
    )


def _ends(associations: list[etree._Element], kind: str, end: str) -> frozenset[str]:
    return frozenset(one.get(end, "") for one in associations if one.get("associationType", "").endswith(kind))


def _entry(found: etree._Element) -> Entry:
    many = slots(found)
    first = {name: values[0] for name, values in many.items() if values}
    signed = first.get("legalAuthenticator", "")
    return Entry(
        name=found.get("id", ""),
        uri=first.get("URI", "").partition("|")[2] or first.get("URI", ""),
        media_type=found.get("mimeType", "").strip().lower(),
        hash=first.get("hash", "").lower(),
        size=first.get("size", ""),
        kind=_kind(found),
        title=localized(found, "Name"),
        patient_id=_identifier(external(found, _PATIENT_ID)),
        source_patient_id=_identifier(first.get("sourcePatientId", "")),
        patient_info=many.get("sourcePatientInfo", ()),
        unique_id=external(found, _UNIQUE_ID) or None,
        action=first.get(_EXTRA_SLOT, ""),
        author=_author(found, _AUTHOR),
        legal_authenticator=professional(signed) if signed else None,
        created_at=_utc(first.get("creationTime", "")),
        started_at=_utc(first.get("serviceStartTime", "")),
        stopped_at=_utc(first.get("serviceStopTime", "")),
        confidentiality=frozenset(
            one.get("nodeRepresentation", "") for one in classifications(found, _CONFIDENTIALITY)
        ),
    )


def _set(found: etree._Element) -> SubmissionSet:
    return SubmissionSet(
        name=found.get("id", ""),
        patient_id=_identifier(external(found, _SET_PATIENT_ID)),
        author=_author(found, _SET_AUTHOR),
        title=localized(found, "Name"),
        recipients=len(slots(found).get("intendedRecipient", ())),
    )


def _identifier(text: str) -> Identifier | None:
    return patient_identifier(text) if text else None


def _author(found: etree._Element, scheme: str) -> Professional | None:
    return next((author for one in classifications(found, scheme) if (author := author_of(slots(one)))), None)


def _kind(found: etree._Element) -> Kind:
    for one in classifications(found, _TYPE_CODE):
        return Kind(loinc=one.get("nodeRepresentation") or None, label=localized(one, "Name"))
    return Kind(loinc=None, label=localized(found, "Name"))


def _utc(digits: str) -> datetime | None:
    """DTM of XDS is UTC without saying so (ITI TF-3 §4.2.3.1.7); a day alone is that day."""
    return moment(f"{digits}+0000" if len(digits) > 8 and digits.isdigit() else digits)
