"""A CDA R2 level 1 around a PDF, for a letter that came in another shape (mssante.md §2.6, IHE XDS-SD)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pybase64
from lxml import etree

from gateway.compose.cda_losses import cda_losses
from gateway.compose.codes import LOINC, PROFESSIONALS, STRUCTURES, type_code
from gateway.compose.dispatch import PARIS, Dispatch
from gateway.compose.identity import iso_birth, qualified_ins
from gateway.compose.losses import Written
from gateway.compose.metadata import unique_oid
from gateway.compose.patient_id import hospital_oid, local_number
from gateway.compose.profile import Coded
from gateway.compose.text import one_line
from gateway.document import Document, Patient, Professional

_URI = "urn:hl7-org:v3"
_NAMESPACES: Any = {None: _URI}  # any: the stubs forget that lxml calls the default namespace None
_TEMPLATES = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20")
"""HL7 France, CI-SIS, IHE XDS-SD."""
_SEXES = {"M": "Masculin", "F": "Féminin", "U": "Inconnu"}


def can_be_made(document: Document) -> bool:
    """A patient and a stated kind: a CDA without either would be filed wrongly."""
    return document.patient is not None and bool(document.patient.family.strip()) and bool(document.kind.loinc)


def cda_n1(dispatch: Dispatch, document: Document, pdf: bytes) -> Written:
    """The CDA; ``can_be_made`` must hold. The INS is in it only when it is qualified and its key is right."""
    root = etree.Element(f"{{{_URI}}}ClinicalDocument", nsmap=_NAMESPACES)
    _identification(root, dispatch, document)
    if document.patient is not None:
        _record_target(root, dispatch, document, document.patient)
    _author(root, dispatch, document)
    _custodian(root, dispatch)
    _authenticator(root, dispatch, document)
    _service(root, document)
    if document.replaces:
        related = _add(root, "relatedDocument", typeCode="RPLC")
        _add(_add(related, "parentDocument"), "id", **_as_id(document.replaces))
    _encounter(root, dispatch, document)
    body = _add(_add(root, "component"), "nonXMLBody")
    text = _add(body, "text", mediaType="application/pdf", representation="B64")
    text.text = pybase64.b64encode_as_string(pdf)
    made = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return Written(content=made, losses=tuple(cda_losses(document, pdf)))


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    node = etree.SubElement(parent, f"{{{_URI}}}{name}", attributes)
    node.text = text
    return node


def _identification(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    kind = type_code(document.kind) or Coded(code="", system=LOINC, label="")
    _add(root, "realmCode", code="FR")
    _add(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for template in _TEMPLATES:
        _add(root, "templateId", root=template)
    place = next(index for index, one in enumerate(dispatch.documents) if one is document)
    own = unique_oid("document", dispatch.parsed.id, str(place))
    _add(root, "id", root=own)
    _add(root, "code", code=kind.code, displayName=one_line(kind.label), codeSystem=kind.system)
    _add(root, "title", one_line(document.title) or one_line(kind.label))
    _add(root, "effectiveTime", value=_stamp(_written(dispatch, document)))
    _add(root, "confidentialityCode", code="N", displayName="Normal", codeSystem="2.16.840.1.113883.5.25")
    _add(root, "languageCode", code="fr-FR")
    _add(root, "setId", root=own)
    _add(root, "versionNumber", value="1")


def _record_target(root: etree._Element, dispatch: Dispatch, document: Document, patient: Patient) -> None:
    role = _add(_add(root, "recordTarget"), "patientRole")
    ins = qualified_ins(patient)
    if ins is not None:
        _add(role, "id", extension=ins.value, root=ins.authority)
    value, authority = local_number(dispatch, document)
    _add(role, "id", extension=one_line(value), root=authority)
    address = [one_line(line) for line in patient.address if line.strip()]
    if address:
        postal = _add(role, "addr")
        for line in address:
            _add(postal, "streetAddressLine", line)
    else:
        _add(role, "addr", nullFlavor="NASK")
    _add(role, "telecom", nullFlavor="NASK")
    _person(_add(role, "patient", classCode="PSN"), patient)


def _person(node: etree._Element, patient: Patient) -> None:
    name = _add(node, "name")
    _add(name, "family", one_line(patient.family), qualifier="BR")
    if patient.used_family:
        _add(name, "family", one_line(patient.used_family), qualifier="CL")
    _add(name, "given", one_line(patient.given), qualifier="BR")
    sex = patient.sex or "U"
    _add(
        node,
        "administrativeGenderCode",
        code=sex,
        displayName=_SEXES.get(sex, sex),
        codeSystem="2.16.840.1.113883.5.1",
    )
    birth = iso_birth(patient).replace("-", "")
    _add(node, "birthTime", **({"value": birth} if birth else {"nullFlavor": "UNK"}))
    if patient.birth_place:
        place = _add(_add(_add(node, "birthplace"), "place"), "addr")
        _add(place, "county", one_line(patient.birth_place))


def _author(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    node = _add(root, "author")
    _add(node, "time", value=_stamp(_written(dispatch, document)))
    assigned = _add(node, "assignedAuthor")
    author = document.author or Professional()
    _assigned(assigned, author)
    organisation = _add(assigned, "representedOrganization")
    _add(organisation, "name", one_line(author.organisation) or dispatch.profile.hospital)


def _custodian(root: etree._Element, dispatch: Dispatch) -> None:
    custodian = _add(_add(root, "custodian"), "assignedCustodian")
    organisation = _add(custodian, "representedCustodianOrganization")
    if dispatch.profile.structure_id:
        _add(organisation, "id", root=STRUCTURES, extension=dispatch.profile.structure_id)
    else:
        _add(organisation, "id", root=hospital_oid(dispatch))
    _add(organisation, "name", dispatch.profile.hospital)


def _authenticator(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    """Only who is known to have validated: nobody's signature is made up."""
    if document.legal_authenticator is None:
        return
    node = _add(root, "legalAuthenticator")
    _add(node, "time", value=_stamp(document.validated_at or _written(dispatch, document)))
    _add(node, "signatureCode", code="S")
    _assigned(_add(node, "assignedEntity"), document.legal_authenticator)


def _assigned(node: etree._Element, who: Professional) -> None:
    if who.rpps or who.adeli:
        _add(node, "id", root=PROFESSIONALS, extension=f"8{who.rpps}" if who.rpps else f"0{who.adeli}")
    else:
        _add(node, "id", nullFlavor="UNK")
    for way in who.telecom:
        _add(node, "telecom", value=_uri(one_line(way)))
    if who.family or who.given:
        name = _add(_add(node, "assignedPerson"), "name")
        for part, text in (("prefix", who.title), ("given", who.given), ("family", who.family)):
            if text:
                _add(name, part, one_line(text))


def _service(root: etree._Element, document: Document) -> None:
    event = _add(_add(root, "documentationOf"), "serviceEvent")
    _period(event, document)


def _encounter(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    encounter = _add(_add(root, "componentOf"), "encompassingEncounter")
    if document.stay is not None and document.stay.visit:
        _add(encounter, "id", root=hospital_oid(dispatch), extension=one_line(document.stay.visit))
    _period(encounter, document)
    facility = dispatch.profile.facility
    place = _add(_add(encounter, "location"), "healthCareFacility")
    _add(place, "code", code=facility.code, displayName=facility.label, codeSystem=facility.system)


def _period(node: etree._Element, document: Document) -> None:
    low = document.stay.admitted_at if document.stay else None
    high = document.stay.discharged_at if document.stay else None
    if low is None and high is None:
        _add(node, "effectiveTime", nullFlavor="UNK")
        return
    period = _add(node, "effectiveTime")
    for name, moment in (("low", low), ("high", high)):
        if moment is not None:
            _add(period, name, value=_stamp(moment))


def _written(dispatch: Dispatch, document: Document) -> datetime:
    return document.written_at or document.validated_at or dispatch.about


def _stamp(moment: datetime) -> str:
    return moment.astimezone(PARIS).strftime("%Y%m%d%H%M%S%z")


def _as_id(text: str) -> dict[str, str]:
    """``root`` or ``root^extension`` (as the readers give it); anything else is an extension under our own root."""
    root, _, extension = text.partition("^")
    if root and all(part.isdigit() for part in root.split(".")):
        return {"root": root, "extension": one_line(extension)} if extension else {"root": root}
    return {"root": unique_oid("replaced"), "extension": one_line(text)}


def _uri(way: str) -> str:
    if ":" in way:
        return way
    return f"mailto:{way}" if "@" in way else f"tel:{way.replace(' ', '')}"
