"""The patient, the professionals and the organisations of a CDA header (CI-SIS, volet Structuration minimale)."""

from __future__ import annotations

import re

from lxml import etree

from gateway.compose.cda_element import add
from gateway.compose.codes import PROFESSIONALS, STRUCTURES
from gateway.compose.dispatch import Dispatch
from gateway.compose.identity import iso_birth, qualified_ins
from gateway.compose.patient_id import hospital_oid, local_number
from gateway.compose.text import one_line
from gateway.document import Document, Identifier, NamedAddressee, Patient, Professional
from gateway.identifiers import Adeli, Rpps, idnps

_SEXES = {"M": "Masculin", "F": "Féminin", "U": "Inconnu"}
_PLACE_CODE = re.compile(r"[0-9][0-9AB][0-9]{3}")
"""Code of a commune or a country (INSEE, COG); anything else is the name of a town."""
_FINESS = re.compile(r"[0-9][0-9AB][0-9]{7}")
_TITLES = {"DR": "DR", "PR": "PR", "DOCTEUR": "DR", "PROFESSEUR": "PR"}
"""JDV of suffixes: a civility is a prefix, a title is a suffix."""


def record_target(root: etree._Element, dispatch: Dispatch, document: Document, patient: Patient) -> None:
    """The patient; the INS is among the ids only when it is qualified and its key is right."""
    role = add(add(root, "recordTarget"), "patientRole")
    ins = qualified_ins(patient)
    if ins is not None:
        add(role, "id", extension=ins.value, root=ins.authority)
    value, authority = local_number(dispatch, document)
    add(role, "id", extension=one_line(value), root=authority)
    address = [one_line(line) for line in patient.address if line.strip()]
    if address:
        postal = add(role, "addr")
        for line in address:
            add(postal, "streetAddressLine", line)
    else:
        add(role, "addr", nullFlavor="NASK")
    add(role, "telecom", nullFlavor="NASK")
    _person(add(role, "patient", classCode="PSN"), patient)


def assigned(node: etree._Element, who: Professional) -> None:
    """``assignedAuthor`` or ``assignedEntity``: number, ways to reach, name; nobody's number is made up."""
    _number(node, who.rpps or who.adeli)
    ways = [_uri(one_line(way)) for way in who.telecom if way.strip()]
    for way in ways:
        add(node, "telecom", value=way)
    if who.family or who.given:
        _name(add(node, "assignedPerson"), who)


def organisation(parent: etree._Element, name: str, number: Identifier | None) -> etree._Element:
    """``representedOrganization`` with its national number when it has one."""
    node = add(parent, "representedOrganization")
    national = national_number(number)
    if national:
        add(node, "id", root=STRUCTURES, extension=national)
    add(node, "name", name)
    return node


def national_number(number: Identifier | None) -> str:
    """IDNST, the number with its type digit (``1`` + FINESS, ``3`` + SIRET); empty for any other kind."""
    if number is None:
        return ""
    value = number.value.strip().upper()
    if number.type in {"FINEG", "FINEJ"} and _FINESS.fullmatch(value):
        return f"1{value}"
    return value if number.type == "IDNST" and value.isalnum() else ""


def custodian(root: etree._Element, dispatch: Dispatch) -> None:
    """The hospital keeps the document."""
    node = add(add(add(root, "custodian"), "assignedCustodian"), "representedCustodianOrganization")
    structure = dispatch.profile.structure_id
    if structure:
        add(node, "id", root=STRUCTURES, extension=structure)
    else:
        add(node, "id", root=hospital_oid(dispatch))
    add(node, "name", dispatch.profile.hospital)
    add(node, "telecom", nullFlavor="NASK")
    add(node, "addr", nullFlavor="NASK")


def recipient(root: etree._Element, one: NamedAddressee) -> None:
    """A doctor who gets a copy: ``informationRecipient``, which no receiver takes for an order to send."""
    node = add(add(root, "informationRecipient"), "intendedRecipient")
    _number(node, one.rpps or one.adeli)
    if one.family.strip():
        _name(add(node, "informationRecipient"), Professional(family=one.family, given=one.given))


def participant(root: etree._Element, one: NamedAddressee, *, gp: bool) -> None:
    """The GP (INF with function PCP) or who referred the patient (REF), as readers of CI-SIS look for them."""
    node = add(root, "participant", typeCode="INF" if gp else "REF")
    if gp:
        add(node, "functionCode", code="PCP", displayName="Médecin Traitant", codeSystem="2.16.840.1.113883.5.88")
    add(node, "time", nullFlavor="NA")
    entity = add(node, "associatedEntity", classCode="PROV")
    _number(entity, one.rpps or one.adeli)
    add(entity, "addr", nullFlavor="NASK")
    add(entity, "telecom", nullFlavor="NASK")
    if one.family.strip():
        _name(add(entity, "associatedPerson"), Professional(family=one.family, given=one.given))


def _person(node: etree._Element, patient: Patient) -> None:
    name = add(node, "name")
    add(name, "family", one_line(patient.family), qualifier="BR")
    if patient.used_family:
        add(name, "family", one_line(patient.used_family), qualifier="CL")
    add(name, "given", one_line(patient.given), qualifier="BR")
    sex = patient.sex or "U"
    add(
        node,
        "administrativeGenderCode",
        code=sex,
        displayName=_SEXES.get(sex, sex),
        codeSystem="2.16.840.1.113883.5.1",
    )
    birth = iso_birth(patient).replace("-", "")
    add(node, "birthTime", **({"value": birth} if birth else {"nullFlavor": "UNK"}))
    place = one_line(patient.birth_place)
    if place:
        where = add(add(add(node, "birthplace"), "place"), "addr")
        add(where, "county" if _PLACE_CODE.fullmatch(place) else "city", place)


def _number(node: etree._Element, number: Rpps | Adeli | None) -> None:
    if number:
        add(node, "id", root=PROFESSIONALS, extension=idnps(number))
    else:
        add(node, "id", nullFlavor="UNK")


def _name(parent: etree._Element, who: Professional) -> None:
    title = one_line(who.title)
    suffix = _TITLES.get(title.rstrip(".").upper(), "")
    name = add(parent, "name")
    parts = (("prefix", "" if suffix else title), ("given", who.given), ("family", who.family), ("suffix", suffix))
    for part, text in parts:
        if text.strip():
            add(name, part, one_line(text))


def _uri(way: str) -> str:
    if ":" in way:
        return way
    return f"mailto:{way}" if "@" in way else f"tel:{way.replace(' ', '')}"
