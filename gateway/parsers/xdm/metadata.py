"""METADATA.XML of an XDM archive: the document entries of an ebRIM SubmitObjectsRequest (IHE ITI TF-3 §4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from gateway.document import Identifier, Kind
from gateway.parsers.cda.xml import parse_xml
from gateway.parsers.ins import OIDS

_LCM = "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}"
_RIM = "{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}"
_TYPE_CODE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
_PATIENT_ID = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_EXTRA_SLOT = "urn:action:extraMetadataSlot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One DocumentEntry (ExtrinsicObject)."""

    uri: str
    media_type: str
    hash: str
    size: str
    kind: Kind
    patient_id: Identifier | None = field(repr=False, default=None)
    patient_info: tuple[str, ...] = field(repr=False, default=())
    unique_id: str | None = None
    action: str = ""
    """``C`` replaces, ``D`` is to be deleted (urn:action:extraMetadataSlot)."""


def entries_of(content: bytes) -> tuple[Entry, ...] | None:
    """The document entries in their order; ``None`` when it is no SubmitObjectsRequest.

    Raises ``UnreadableDocument`` when the XML is not safe or not well formed.
    """
    root, _ = parse_xml(content, "METADATA.XML")
    if root.tag != _LCM + "SubmitObjectsRequest":
        return None
    return tuple(_entry(found) for found in root.iter(_RIM + "ExtrinsicObject"))


def _entry(found: etree._Element) -> Entry:
    slots = _slots(found)
    first = {name: values[0] for name, values in slots.items() if values}
    identifier = _external(found, _PATIENT_ID)
    return Entry(
        uri=first.get("URI", "").partition("|")[2] or first.get("URI", ""),
        media_type=found.get("mimeType", ""),
        hash=first.get("hash", "").lower(),
        size=first.get("size", ""),
        kind=_kind(found),
        patient_id=patient_identifier(identifier) if identifier else None,
        patient_info=tuple(slots.get("sourcePatientInfo", ())),
        unique_id=_external(found, _UNIQUE_ID),
        action=first.get(_EXTRA_SLOT, ""),
    )


def patient_identifier(text: str) -> Identifier:
    """``value^^^&OID&ISO^type``; in XDS the type of an INS is NH, which in HL7 v2 is a billing number (§2.2)."""
    parts = text.split("^")
    authority = (parts[3].split("&") if len(parts) > 3 else [""])[1:2]
    oid = authority[0] if authority else ""
    kind = "INS" if oid in OIDS else (parts[4] if len(parts) > 4 else "")
    return Identifier(value=parts[0], authority=oid, type=kind)


def _slots(found: etree._Element) -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    for slot in found.iterchildren(_RIM + "Slot"):
        slots[slot.get("name", "")] = [(value.text or "").strip() for value in slot.iter(_RIM + "Value")]
    return slots


def _kind(found: etree._Element) -> Kind:
    for classification in found.iterchildren(_RIM + "Classification"):
        if classification.get("classificationScheme") == _TYPE_CODE:
            return Kind(loinc=classification.get("nodeRepresentation") or None, label=_label(classification))
    return Kind(loinc=None, label=_label(found))


def _label(found: etree._Element) -> str:
    text = found.find(f"{_RIM}Name/{_RIM}LocalizedString")
    return "" if text is None else text.get("value", "").strip()


def _external(found: etree._Element, scheme: str) -> str | None:
    for identifier in found.iterchildren(_RIM + "ExternalIdentifier"):
        if identifier.get("identificationScheme") == scheme:
            return identifier.get("value") or None
    return None
