"""A CDA R2 document: what its header says, its words, its files (CI-SIS; standards/mssante.md §2.6)."""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from gateway.document import Document, Finding, Kind, NamedAddressee, Original, Patient, Professional, Reading, Stay
from gateway.parsers.cda.elements import V3, attribute, child, children, instance_id, words
from gateway.parsers.cda.media import media_of
from gateway.parsers.cda.narrative import narrative, sections_of
from gateway.parsers.cda.people import addressees_of, patient_of, professional_of
from gateway.parsers.cda.results import results_of
from gateway.parsers.cda.xml import parse_xml
from gateway.parsers.hl7_time import moment
from gateway.parsers.ins import check_ins
from gateway.parsers.kinds import STAY_REPORTS, masks
from gateway.parsers.remarks import error, note, warning

_CI_SIS = "1.2.250.1.213.1.1.1."
_LAB_STATUS = "{urn:oid:1.3.6.1.4.1.19376.1.3.2}statusCode"


def read_cda(content: bytes) -> Reading:
    """The one document of a CDA; ``Document.original`` holds ``content`` exactly.

    Raises ``UnreadableDocument`` when the XML is not safe or not well formed. What the CDA lacks is told in
    the findings: no patient or no body is an error.
    """
    root, encoding = parse_xml(content, "CDA")
    if root.tag != V3 + "ClinicalDocument":
        remark = error(
            "not-a-cda", "line 1", "the XML is no ClinicalDocument of urn:hl7-org:v3; send a CDA R2 document"
        )
        return Reading(format="cda", charset=encoding, findings=(remark,))
    findings: list[Finding] = []
    patient = _patient(root, findings)
    document = _document(root, content, patient, findings)
    refused = patient is None
    return Reading(
        format="cda",
        variant=_variant(root),
        charset=encoding,
        documents=() if refused else (document,),
        findings=tuple(findings),
    )


def _document(root: etree._Element, content: bytes, patient: Patient | None, findings: list[Finding]) -> Document:
    kind = _kind(root, findings)
    media = media_of(root)
    findings.extend(media.findings)
    sections = sections_of(root)
    text = narrative(sections) or media.text
    results, remarks = results_of(root)
    findings.extend(remarks)
    if not text and not media.attachments and not results:
        findings.append(
            error("cda-empty", "component", "the CDA has neither narrative text nor a file; send it with its body")
        )
    addressees = addressees_of(root)
    _remark_on_recipients(root, addressees, findings)
    _remark_on_progress(root, findings)
    return Document(
        id=instance_id(child(root, "id")),
        kind=kind,
        original=Original(format="cda", content=content, media_type="text/xml", name="DOC0001.XML"),
        patient=patient,
        stay=_stay(root, kind),
        author=_author(root),
        legal_authenticator=professional_of(child(root, "legalAuthenticator", "assignedEntity")),
        written_at=_moment(root, "effectiveTime"),
        validated_at=_moment(root, "legalAuthenticator", "time"),
        addressees=addressees,
        title=words(root, "title"),
        text=text,
        sections=sections,
        results=results,
        attachments=media.attachments,
        replaces=_replaces(root),
        partial=any(one.code == "order-partial" for one in findings),
        wishes=masks(code.get("code", "").upper() for code in children(root, "confidentialityCode")),
    )


def _patient(root: etree._Element, findings: list[Finding]) -> Patient | None:
    roles = [role for target in children(root, "recordTarget") if (role := child(target, "patientRole")) is not None]
    if len(roles) != 1:
        words_of_it = "names no patient" if not roles else f"names {len(roles)} patients"
        findings.append(
            error("cda-patient", "recordTarget", f"the CDA {words_of_it}; send one document about one patient")
        )
        return None
    patient = patient_of(roles[0])
    if not patient.family:
        findings.append(
            error("patient-without-name", "recordTarget", "the patient has no family name; fill patient/name")
        )
    for index, identifier in enumerate(patient.identifiers, start=1):
        findings.extend(check_ins(identifier, f"recordTarget/id[{index}]"))
    return patient


def _kind(root: etree._Element, findings: list[Finding]) -> Kind:
    code = attribute(root, "code", "code")
    if not code:
        findings.append(
            warning("kind-not-stated", "code", "the CDA has no document type; fill ClinicalDocument/code from JDV_J07")
        )
    return Kind(loinc=code or None, label=attribute(root, "displayName", "code") or words(root, "title"))


def _author(root: etree._Element) -> Professional | None:
    """The first author who is a person or works somewhere; a device alone is no author to answer to."""
    found = (professional_of(child(author, "assignedAuthor")) for author in children(root, "author"))
    return next((author for author in found if author is not None), None)


def _stay(root: etree._Element, kind: Kind) -> Stay | None:
    encounter = child(root, "componentOf", "encompassingEncounter")
    service = child(root, "documentationOf", "serviceEvent") if kind.loinc in STAY_REPORTS else None
    stay = Stay(
        visit=attribute(encounter, "extension", "id") or None,
        admitted_at=_bound(encounter, "low") or _bound(service, "low"),
        discharged_at=_bound(encounter, "high") or _bound(service, "high"),
        unit=words(encounter, "location", "healthCareFacility", "location", "name") or None,
        hospital=words(root, "custodian", "assignedCustodian", "representedCustodianOrganization", "name") or None,
    )
    return stay if stay != Stay(hospital=stay.hospital) else None


def _bound(event: etree._Element | None, side: str) -> datetime | None:
    return moment(attribute(event, "value", "effectiveTime", side))


def _moment(root: etree._Element, *path: str) -> datetime | None:
    return moment(attribute(root, "value", *path))


def _replaces(root: etree._Element) -> str | None:
    for related in children(root, "relatedDocument"):
        if related.get("typeCode") == "RPLC":
            return instance_id(child(related, "parentDocument", "id"))
    return None


def _remark_on_recipients(
    root: etree._Element, addressees: tuple[NamedAddressee, ...], findings: list[Finding]
) -> None:
    for one in addressees:
        if one.rpps is None and one.adeli is None:
            message = "this professional has no RPPS (id with root 1.2.250.1.71.4.2.1): nobody is found by name alone"
            findings.append(warning("addressee-without-number", one.place, message))
    count = sum(1 for _ in children(root, "informationRecipient"))
    if count:
        message = (
            f"{count} informationRecipient in the header are not addressees: name them where the letter is sent from"
        )
        findings.append(note("information-recipient-not-routed", "informationRecipient", message))


def _remark_on_progress(root: etree._Element, findings: list[Finding]) -> None:
    """XD-LAB says with a status of its own that a report is preliminary (IHE PaLM TF-3, lab:statusCode)."""
    events = (child(one, "serviceEvent") for one in children(root, "documentationOf"))
    found = (event.find(_LAB_STATUS) for event in events if event is not None)
    if any(status is not None and status.get("code") == "active" for status in found):
        message = "the report says that it is not complete: other results will follow"
        findings.append(warning("order-partial", "documentationOf", message))


def _variant(root: etree._Element) -> str:
    level = "N1" if child(root, "component", "nonXMLBody") is not None else "N3"
    models = [one for one in children(root, "templateId") if one.get("root", "").startswith(_CI_SIS)]
    model = next((one for one in models if one.get("root") != _CI_SIS + "1"), None)
    return " ".join(filter(None, ("CDA R2", level, attribute(model, "root"), attribute(model, "extension"))))
