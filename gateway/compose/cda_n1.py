"""A CDA R2 level 1 around a PDF, for a letter that came in another shape (mssante.md §2.6, IHE XDS-SD)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pybase64
from lxml import etree

from gateway.compose.cda_element import URI, add, period, stamp
from gateway.compose.cda_ids import own_id, parent_id
from gateway.compose.cda_losses import cda_losses
from gateway.compose.cda_people import assigned, custodian, organisation, participant, recipient, record_target
from gateway.compose.codes import LOINC, type_code
from gateway.compose.dispatch import Dispatch
from gateway.compose.losses import Written
from gateway.compose.patient_id import hospital_oid
from gateway.compose.profile import Coded
from gateway.compose.reading import numbered
from gateway.compose.text import one_line
from gateway.document import Document, Professional, Role

_NAMESPACES: Any = {None: URI}  # any: the stubs forget that lxml calls the default namespace None
_TEMPLATES = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20")
"""HL7 France, CI-SIS, IHE XDS-SD."""
_STAYS = frozenset({"11490-0", "34112-3"})
"""Discharge letter and hospital report: what they document is the stay."""


def can_be_made(document: Document) -> bool:
    """A patient and a stated kind: a CDA without either would be filed wrongly."""
    return document.patient is not None and bool(document.patient.family.strip()) and bool(document.kind.loinc)


def cda_n1(dispatch: Dispatch, document: Document, pdf: bytes) -> Written:
    """The CDA and what it does not say; ``can_be_made`` must hold."""
    root = etree.Element(f"{{{URI}}}ClinicalDocument", nsmap=_NAMESPACES)
    _identification(root, dispatch, document)
    if document.patient is not None:
        record_target(root, dispatch, document, document.patient)
    _author(root, dispatch, document)
    custodian(root, dispatch)
    _people(root, dispatch, document)
    _service(root, dispatch, document)
    if document.replaces:
        related = add(root, "relatedDocument", typeCode="RPLC")
        add(add(related, "parentDocument"), "id", **parent_id(dispatch, document.replaces))
    _encounter(root, dispatch, document)
    text = add(add(add(root, "component"), "nonXMLBody"), "text", mediaType="application/pdf", representation="B64")
    text.text = pybase64.b64encode_as_string(pdf)
    made = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return Written(content=made, losses=tuple(cda_losses(document, pdf)))


def _identification(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    kind = type_code(document.kind) or Coded(code="", system=LOINC, label="")
    add(root, "realmCode", code="FR")
    add(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for template in _TEMPLATES:
        add(root, "templateId", root=template)
    own = own_id(dispatch, document)
    add(root, "id", **own)
    add(root, "code", code=kind.code, displayName=one_line(kind.label), codeSystem=kind.system)
    add(root, "title", one_line(document.title) or one_line(kind.label))
    add(root, "effectiveTime", value=stamp(_written(dispatch, document)))
    add(root, "confidentialityCode", code="N", displayName="Normal", codeSystem="2.16.840.1.113883.5.25")
    add(root, "languageCode", code="fr-FR")
    # The set is named after its first version, as far as one letter tells: the one that is replaced.
    add(root, "setId", **(parent_id(dispatch, document.replaces) if document.replaces else own))
    add(root, "versionNumber", value="2" if document.replaces else "1")


def _author(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    author = document.author or Professional()
    node = add(root, "author")
    add(node, "time", value=stamp(_written(dispatch, document)))
    entity = add(node, "assignedAuthor")
    assigned(entity, author)
    organisation(entity, one_line(author.organisation) or dispatch.profile.hospital, author.organisation_id)


def _people(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    """Copies, then who is known to have validated (nobody's signature is made up), then GP and referrer."""
    named = numbered(document)
    for one in named:
        if one.role is Role.COPY:
            recipient(root, one)
    if document.legal_authenticator is not None:
        node = add(root, "legalAuthenticator")
        add(node, "time", value=stamp(document.validated_at or _written(dispatch, document)))
        add(node, "signatureCode", code="S")
        assigned(add(node, "assignedEntity"), document.legal_authenticator)
    for one in named:
        if one.role is not Role.COPY:
            participant(root, one, gp=one.role is Role.GP)


def _service(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    """What is documented: the stay, or the examinations as far as their times are known, and who did it."""
    event = add(add(root, "documentationOf"), "serviceEvent")
    times = [result.observed_at for result in document.results if result.observed_at is not None]
    if times and document.kind.loinc not in _STAYS:
        period(event, min(times), max(times))
    else:
        period(event, *_stay(document))
    author = document.author or Professional()
    entity = add(add(event, "performer", typeCode="PRF"), "assignedEntity")
    assigned(entity, author)
    name = one_line(author.organisation) or dispatch.profile.hospital
    practice = dispatch.profile.practice
    add(
        organisation(entity, name, author.organisation_id),
        "standardIndustryClassCode",
        code=practice.code,
        displayName=practice.label,
        codeSystem=practice.system,
    )


def _encounter(root: etree._Element, dispatch: Dispatch, document: Document) -> None:
    stay = document.stay
    encounter = add(add(root, "componentOf"), "encompassingEncounter")
    if stay is not None and stay.visit:
        add(encounter, "id", root=hospital_oid(dispatch), extension=one_line(stay.visit))
    period(encounter, *_stay(document))
    facility = dispatch.profile.facility
    place = add(add(encounter, "location"), "healthCareFacility")
    add(place, "code", code=facility.code, displayName=facility.label, codeSystem=facility.system)
    if stay is not None and (stay.unit or "").strip():
        add(add(place, "location"), "name", one_line(stay.unit or ""))
    if stay is not None and (stay.hospital or "").strip():
        add(add(place, "serviceProviderOrganization"), "name", one_line(stay.hospital or ""))


def _stay(document: Document) -> tuple[datetime | None, datetime | None]:
    return (document.stay.admitted_at, document.stay.discharged_at) if document.stay else (None, None)


def _written(dispatch: Dispatch, document: Document) -> datetime:
    return document.written_at or document.validated_at or dispatch.about
