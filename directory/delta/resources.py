"""FHIR resources of the national API to rows of ours, through the same checks as a line of the national files; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from directory.fold import structure_number
from directory.rows import SqlRow, activity_row

Resource = dict[str, Any]
"""Its JSON; anything may miss."""
IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
RPPS = "https://rpps.esante.gouv.fr"
IDNST = "urn:oid:1.2.250.1.71.4.2.2"
FINESS = "https://finess.esante.gouv.fr"
SIRENE = "https://sirene.esante.gouv.fr"
MAILBOX = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
_DIGITAL = {"True": "O", "False": "N"}
_PROFESSION, _MODE = ("TRE_G15",), ("TRE_R23",)
_SKILL = ("TRE_R38", "TRE_R39", "TRE_R40", "TRE_R42", "TRE_R43", "TRE_R44", "TRE_R45", "TRE_R97")
"""The nomenclatures of savoir-faire: ordinal specialities first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An organisation as the rows name it."""

    finess: str = ""
    siret: str = ""
    idnst: str = ""
    name: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    phone: str = ""

    @property
    def number(self) -> str:
        """What its mailboxes are tied to."""
        return self.finess or self.siret or structure_number(self.idnst)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A practitioner as the rows name him; ``national_id`` is empty when he has no number."""

    national_id: str
    active: bool
    civility: str = ""
    family: str = field(repr=False, default="")
    given: str = field(repr=False, default="")
    profession: str = ""
    skill: str = ""


def person_of(resource: Resource) -> Person:
    """From a Practitioner."""
    name = next(iter(_dicts(resource.get("name"))), {})
    rpps = _identifier(resource, RPPS)
    qualifications = [coding for one in _dicts(resource.get("qualification")) for coding in _codings(one.get("code"))]
    return Person(
        national_id=_identifier(resource, IDNPS) or (f"8{rpps}" if rpps else ""),
        active=resource.get("active") is not False,
        civility=_plain(next(iter(_texts(name.get("prefix"))), "")),
        family=_plain(name.get("family")),
        given=_plain(" ".join(_texts(name.get("given")))),
        profession=_code(qualifications, _PROFESSION),
        skill=_code(qualifications, _SKILL),
    )


def place_of(resource: Resource) -> Place:
    """From an Organization."""
    address = next(iter(_dicts(resource.get("address"))), {})
    alias = next(iter(_texts(resource.get("alias"))), "")
    return Place(
        finess=_identifier(resource, FINESS),
        siret=next((number for number in _identifiers(resource, SIRENE) if len(number) == 14), ""),
        idnst=_identifier(resource, IDNST),
        name=_plain(resource.get("name") or alias),
        street=_plain(" ".join(_texts(address.get("line")))),
        postcode=_plain(address.get("postalCode")),
        city=_plain(address.get("city")).upper(),
        phone=_phone(resource),
    )


def activity_of(role: Resource, person: Person, place: Place, *, entity: str = "") -> SqlRow:
    """A row of ``activity`` without its number, from a PractitionerRole; raises RejectedRow.

    ``entity`` is the FINESS of the legal entity of ``place``: the API does not tell it beside the place.
    """
    codings = [coding for one in _dicts(role.get("code")) for coding in _codings(one)]
    values = (
        person.national_id[:1], person.national_id[1:], person.national_id, person.civility, person.family,
        person.given, _code(codings, _PROFESSION) or person.profession, person.skill, _code(codings, _MODE),
        place.siret, place.finess, "" if place.finess else place.idnst, place.name, "", "", "", place.street,
        place.postcode, place.city, "", "", "", _phone(role) or place.phone, entity,
    )  # fmt: skip
    return activity_row("|".join(values).encode(), values)


def is_in_force(resource: Resource, on: date) -> bool:
    """Whether it is neither inactive nor old, and ``period`` holds that day; its ends may be months or years."""
    told, day = resource.get("period"), on.isoformat()
    start, end = (_plain(told.get(one))[:10] if isinstance(told, dict) else "" for one in ("start", "end"))
    is_kept = resource.get("active") is not False and resource.get("use") != "old"
    return is_kept and start <= day[: len(start)] and (not end or end >= day[: len(end)])


def mailboxes_of(resource: Resource, person: Person | None, place: Place, on: date) -> Iterator[tuple[str, ...]]:
    """The columns of ``layout.MAILBOX_COLUMNS`` for each mailbox of whatever has ``telecom``, in force that day.

    Only what has the MSSanté extension: an ordinary address is none. The red list is not published.
    """
    who = person or Person(national_id="", active=True)
    for telecom in _dicts(resource.get("telecom")):
        told = _metadata(telecom) if is_in_force(telecom, on) else {}
        if not told or told.get("listeRouge") not in (None, False):
            continue
        digital = _DIGITAL.get(str(told.get("digitization")), "")
        values = (
            str(told.get("type") or ("PER" if person else "ORG")), _plain(telecom.get("value")), who.national_id[:1],
            who.national_id[1:], who.national_id, place.number, _plain(told.get("service")), who.civility,
            who.family, who.given, who.profession, who.skill, digital, place.name, "", "", "", place.street,
            place.city, place.postcode, "", "",
        )  # fmt: skip
        yield values


def _metadata(telecom: Resource) -> dict[str, Any]:
    """The parts of the MSSanté extension by name; empty when this is no MSSanté mailbox."""
    found = [one for one in _dicts(telecom.get("extension")) if one.get("url") == MAILBOX]
    told: dict[str, Any] = {}
    for part in (part for one in found for part in _dicts(one.get("extension"))):
        value = next((part[name] for name in part if name.startswith("value")), None)
        codings = _codings(value)
        told[str(part.get("url"))] = codings[0].get("code") if codings else value
    return told


def _phone(resource: Resource) -> str:
    """The first telephone number of its ``telecom`` (ContactPointSystem ``phone``)."""
    found = [_plain(one.get("value")) for one in _dicts(resource.get("telecom")) if one.get("system") == "phone"]
    return next(filter(None, found), "")


def _identifiers(resource: Resource, system: str) -> list[str]:
    found = [one for one in _dicts(resource.get("identifier")) if one.get("system") == system]
    return [_plain(one.get("value")) for one in found if one.get("use") != "old"]


def _identifier(resource: Resource, system: str) -> str:
    return next(iter(_identifiers(resource, system)), "")


def _code(codings: list[Resource], tables: tuple[str, ...]) -> str:
    """The code of the first of ``tables`` (NOS) that is there: their name is part of the system's address."""
    named = ((table, coding) for table in tables for coding in codings if table in str(coding.get("system")))
    return next((_plain(coding.get("code")) for _, coding in named), "")


def _codings(concept: object) -> list[Resource]:
    return _dicts(concept.get("coding")) if isinstance(concept, dict) else []


def _dicts(values: object) -> list[Resource]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _texts(values: object) -> list[str]:
    return [one for one in values if isinstance(one, str)] if isinstance(values, list) else []


def _plain(value: object) -> str:
    """One line of text, without the bar that parts our columns and what no database keeps; anything else is empty."""
    if not isinstance(value, str):
        return ""
    kept = value.replace("|", " ").replace("\0", "").encode("utf-8", "replace").decode()
    return " ".join(kept.split())
