"""The people and organisations of a CDA header (CI-SIS, volet Structuration minimale)."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from gateway.document import Identifier, NamedAddressee, Patient, Professional, Role
from gateway.identifiers import INS_OIDS, adeli, rpps
from gateway.parsers.cda.elements import attribute, child, children, words
from gateway.parsers.hl7_time import birth_date

PROFESSIONALS = "1.2.250.1.71.4.2.1"
"""OID of the national register: extension is ``8`` + RPPS or ``0`` + ADELI."""

STRUCTURES = "1.2.250.1.71.4.2.2"
"""OID of the structures: extension is ``1`` + FINESS, ``3`` + SIRET and so on (IDNST)."""

_SEXES = {"M", "F"}


def patient_of(role: etree._Element) -> Patient:
    """The patient of ``recordTarget/patientRole``; an INS is not qualified here: a CDA holds no PID-32."""
    person = child(role, "patient")
    name = child(person, "name")
    birth_place = child(person, "birthplace", "place", "addr")
    return Patient(
        family=_named(name, "family", "BR") or words(name, "family"),
        given=_named(name, "given", "BR") or words(name, "given"),
        birth_date=birth_date(attribute(person, "value", "birthTime")),
        sex=_sex(attribute(person, "code", "administrativeGenderCode")),
        used_family=_named(name, "family", "CL") or _named(name, "family", "SP"),
        address=_address(child(role, "addr")),
        birth_place=words(birth_place, "county") or words(birth_place, "city"),
        identifiers=tuple(_identifiers(role)),
    )


def _identifiers(role: etree._Element) -> list[Identifier]:
    found = ((attribute(one, "extension"), attribute(one, "root")) for one in children(role, "id"))
    return [
        Identifier(value=value, authority=root, type="INS" if root in INS_OIDS else "PI")
        for value, root in found
        if value
    ]


def _named(name: etree._Element | None, part: str, qualifier: str) -> str:
    return next((words(one) for one in children(name, part) if one.get("qualifier") == qualifier), "")


def _sex(code: str) -> str | None:
    if not code:
        return None
    return code if code in _SEXES else "U"


def _address(address: etree._Element | None) -> tuple[str, ...]:
    """The lines of an envelope, from street lines or from the parts that replace them."""
    if address is None:
        return ()
    free = [words(line) for line in children(address, "streetAddressLine")]
    street = " ".join(filter(None, (words(address, "houseNumber"), words(address, "streetName"))))
    town = " ".join(filter(None, (words(address, "postalCode"), words(address, "city"))))
    lines = (
        *free,
        words(address, "unitID"),
        street,
        words(address, "additionalLocator"),
        town,
        words(address, "country"),
    )
    return tuple(filter(None, lines))


def professional_of(entity: etree._Element | None) -> Professional | None:
    """Who an ``assignedAuthor`` or ``assignedEntity`` is; ``None`` when it names neither person nor organisation."""
    if entity is None:
        return None
    number = _number(entity)
    name = child(entity, "assignedPerson", "name")
    organisation = child(entity, "representedOrganization")
    professional = Professional(
        rpps=rpps(number),
        adeli=adeli(number),
        family=words(name, "family"),
        given=words(name, "given"),
        title=words(name, "suffix") or words(name, "prefix"),
        organisation=words(organisation, "name"),
        organisation_id=_organisation_id(organisation),
        telecom=tuple(attribute(one, "value") for one in children(entity, "telecom") if one.get("value")),
    )
    nobody = Professional(telecom=professional.telecom)
    return None if professional == nobody else professional


def addressees_of(root: etree._Element) -> tuple[NamedAddressee, ...]:
    """The GP (function PCP), the prescriber or referrer (typeCode REF), and who referred to the stay.

    ``informationRecipient`` is left out on purpose: it is medical information, no order to send, and some doctors
    it names refuse electronic mail (IG-TRANS).
    """
    found = []
    for index, participant in enumerate(children(root, "participant"), start=1):
        role = _role(participant)
        entity = child(participant, "associatedEntity")
        if role and entity is not None:
            found.append(_addressee(entity, role, f"participant[{index}]"))
    return (*found, *_who_referred(root, found))


def _who_referred(root: etree._Element, named: list[NamedAddressee]) -> Iterator[NamedAddressee]:
    """Who sent the patient into the stay, unless he is among the participants already."""
    encounter = child(root, "componentOf", "encompassingEncounter")
    numbers = {one.rpps or one.adeli for one in named}
    for index, participant in enumerate(children(encounter, "encounterParticipant"), start=1):
        entity = child(participant, "assignedEntity")
        if participant.get("typeCode") == "REF" and entity is not None:
            one = _addressee(entity, Role.REFERRER, f"encounterParticipant[{index}]")
            if (one.rpps or one.adeli) not in numbers - {None}:
                yield one


def _role(participant: etree._Element) -> Role | None:
    if attribute(participant, "code", "functionCode") == "PCP":
        return Role.GP
    return Role.REFERRER if participant.get("typeCode") == "REF" else None


def _addressee(entity: etree._Element, role: Role, place: str) -> NamedAddressee:
    number = _number(entity)
    name = child(entity, "associatedPerson", "name")
    name = child(entity, "assignedPerson", "name") if name is None else name
    works_for = child(entity, "scopingOrganization")
    works_for = child(entity, "representedOrganization") if works_for is None else works_for
    known = rpps(number), adeli(number)
    return NamedAddressee(
        role=role,
        place=place,
        rpps=known[0],
        adeli=known[1],
        family=words(name, "family"),
        given=words(name, "given"),
        organisation_id=_organisation_id(works_for),
        local_code="" if any(known) else number or attribute(entity, "extension", "id"),
    )


def _number(entity: etree._Element) -> str:
    ids = (attribute(one, "extension") for one in children(entity, "id") if one.get("root") == PROFESSIONALS)
    return next(ids, "")


def _organisation_id(organisation: etree._Element | None) -> Identifier | None:
    for one in children(organisation, "id"):
        if one.get("root") == STRUCTURES and one.get("extension"):
            return Identifier(value=attribute(one, "extension"), authority=STRUCTURES, type="IDNST")
    return None
