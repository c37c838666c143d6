"""Records of the directory to FHIR R4 resources, as plain dictionaries; pure. Nothing is told that is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from directory import Mailbox, Office, Practitioner, Source
from gateway.faces.fhir import systems

Resource = dict[str, Any]
"""JSON of one FHIR resource."""
Label = Callable[[str, str], str]
"""The words of a ``profession`` or ``skill`` code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A practitioner with his mailboxes; ``record`` is missing when only a mailbox names him."""

    national_id: str
    record: Practitioner | None
    boxes: tuple[Mailbox, ...] = field(repr=False, default=())

    @property
    def family(self) -> str:
        """As the directory's search knows it."""
        return self.record.family if self.record else next((box.family for box in self.boxes), "")

    @property
    def given(self) -> str:
        """As the directory's search knows it."""
        return self.record.given if self.record else next((box.given for box in self.boxes), "")

    @property
    def rpps(self) -> str | None:
        """The 11 digits, when the national id is an RPPS."""
        return self.national_id[1:] if len(self.national_id) == 12 and self.national_id.startswith("8") else None

    @property
    def places(self) -> tuple[Mailbox | Office, ...]:
        """Where he works, as far as anybody said."""
        places: list[Mailbox | Office] = [*(self.record.offices if self.record else ()), *self.boxes]
        return tuple(place for place in places if place.city)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place of a practitioner's activity and the mailboxes that are bound to it."""

    person: Person
    office: Office
    boxes: tuple[Mailbox, ...] = field(repr=False, default=())

    @property
    def id(self) -> str:
        """The same for as long as the activity is the same."""
        told = (*self.office.structures, self.office.profession, self.office.skill, self.office.mode, self.office.city)
        return f"{self.person.national_id}-{blake2b('|'.join(told).encode(), digest_size=6).hexdigest()}"


def practitioner(person: Person, label: Label) -> Resource:
    """A Practitioner: numbers, name, mailboxes that follow the person, places of work, profession."""
    name = {"use": "official", "family": person.family, "given": [person.given] if person.given else None}
    profession = (person.record.profession if person.record else "") or next(
        (box.profession for box in person.boxes if box.profession), ""
    )
    told = {
        "resourceType": "Practitioner",
        "id": person.national_id,
        "active": True,
        "identifier": person_identifiers(person),
        "name": [_kept(name)] if person.family or person.given else None,
        "telecom": _telecoms(box for box in person.boxes if not box.structure),
        "address": _once(_address(place) for place in person.places),
        "qualification": [{"code": _coded(systems.PROFESSION, profession, label("profession", profession))}]
        if profession
        else None,
    }
    return _kept(told)


def practitioner_role(place: Place, label: Label) -> Resource:
    """A PractitionerRole: who, where, as what, and the mailboxes bound to that place."""
    office, person = place.office, place.person
    address = _address(office)
    told = {
        "resourceType": "PractitionerRole",
        "id": place.id,
        "contained": [{"resourceType": "Location", "id": "place", "address": address}] if address else None,
        "active": True,
        "practitioner": {
            "reference": f"Practitioner/{person.national_id}",
            "identifier": person_identifiers(person)[0],
            "display": f"{person.given} {person.family}".strip() or None,
        },
        "organization": _organisation_reference(office),
        "code": _concepts(systems.PROFESSION, "profession", [office.profession], label),
        "specialty": _concepts(systems.SKILL, "skill", [office.skill], label),
        "location": [{"reference": "#place"}] if address else None,
        "telecom": [*_telecoms(place.boxes), *([_phone(office.phone)] if office.phone else [])],
    }
    return _kept(told)


def organization(boxes: Iterable[Mailbox]) -> Resource:
    """An Organization out of its mailboxes; without a number it has no id either."""
    first, *_ = records = tuple(boxes)
    told = {
        "resourceType": "Organization",
        "id": first.structure or None,
        "active": True,
        "identifier": structure_identifiers(first.structure),
        "name": next((box.organisation for box in records if box.organisation), None) or first.address,
        "telecom": _telecoms(records),
        "address": _once(_address(box) for box in records),
    }
    return _kept(told)


def person_identifiers(person: Person) -> list[Resource]:
    """IDNPS, and RPPS when it is one."""
    found = [{"use": "official", "system": systems.IDNPS, "value": person.national_id}]
    return found + ([{"system": systems.RPPS, "value": person.rpps}] if person.rpps else [])


def structure_identifiers(number: str) -> list[Resource]:
    """IDNST, and the FINESS or SIRET that it is made of."""
    kind = {9: ("1", systems.FINESS), 14: ("3", systems.SIRENE)}.get(len(number))
    if kind is None:
        return []
    digit, system = kind
    idnst = {"use": "official", "system": systems.IDNST, "value": f"{digit}{number}"}
    return [idnst, {"system": system, "value": number}]


def _organisation_reference(office: Office) -> Resource | None:
    """By number, not by path: most places of work have no mailbox and are no Organization here."""
    identifiers = [one for number in office.structures for one in structure_identifiers(number)]
    return _kept({"identifier": identifiers[0] if identifiers else None, "display": office.organisation or None})


def _telecoms(boxes: Iterable[Mailbox]) -> list[Resource]:
    return _once(_telecom(box) for box in boxes)


def _phone(number: str) -> Resource:
    return {"system": "phone", "value": number, "use": "work"}


def _telecom(box: Mailbox) -> Resource:
    """A mailbox that the administrator entered is not told to be MSSanté's."""
    extensions = [_mail_kind(), _metadata(box)] if box.source is Source.DIRECTORY else []
    return _kept({"extension": extensions, "system": "email", "value": box.address, "use": "work", "rank": box.rank})


def _mail_kind() -> Resource:
    return {"url": systems.MAIL_KIND_EXTENSION, "valueCoding": {"system": systems.MAIL_KINDS, "code": "MSSANTE"}}


def _metadata(box: Mailbox) -> Resource:
    kind = {"coding": [{"system": systems.MAILBOX_KINDS, "code": box.kind.value}]}
    told: list[Resource] = [{"url": "type", "valueCodeableConcept": kind}]
    if box.service:
        told.append({"url": "service", "valueString": box.service})
    if box.accepts is not None:
        told.append({"url": "digitization", "valueBoolean": box.accepts})
    return {"url": systems.MAILBOX_EXTENSION, "extension": told}


def _address(place: Mailbox | Office) -> Resource:
    lines = [line for line in (place.organisation, place.street) if line]
    if not place.city:
        return {}
    return _kept({"use": "work", "line": lines, "city": place.city, "postalCode": place.postcode or None})


def _concepts(system: str, kind: str, codes: Iterable[str], label: Label) -> list[Resource]:
    return [_coded(system, code, label(kind, code)) for code in codes if code]


def _coded(system: str, code: str, words: str) -> Resource:
    return {"coding": [_kept({"system": system, "code": code, "display": words if words != code else None})]}


def _once(found: Iterable[Resource]) -> list[Resource]:
    """Each but once, without the empty ones."""
    kept: list[Resource] = []
    for one in found:
        if one and one not in kept:
            kept.append(one)
    return kept


def _kept(told: Resource) -> Resource:
    """FHIR has no empty lists, objects or texts."""
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}
