"""One entry of the address book: a mailbox of a person or of an organisation, with what Thunderbird and Outlook ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import load_der_x509_certificate

from directory import Mailbox, Practitioner
from gateway.faces.ldap.names import escaped
from gateway.faces.ldap.schema import Attributes, attribute_of

PERSON = ("top", "person", "organizationalPerson", "inetOrgPerson")
ORGANISATION = ("top", "organizationalRole", "extensibleObject")
_REFUSES = "refuse le courrier électronique"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A name and its attributes; values are text, or octets for certificates."""

    name: str = field(repr=False)
    values: Mapping[str, tuple[str | bytes, ...]] = field(repr=False)

    def chosen(self, wanted: tuple[str, ...], *, types_only: bool) -> Attributes:
        """The attributes that were asked for (RFC 4511 §4.5.1.8): none named or ``*`` is all of them."""
        asked = {found.name for one in wanted if (found := attribute_of(one))}
        everything = not wanted or "*" in wanted
        return {
            _described(name): () if types_only else tuple(map(_octets, values))
            for name, values in self.values.items()
            if values and (everything or name in asked)
        }


def entry_of(
    boxes: Iterable[Mailbox], person: Practitioner | None, *, base: str, labels: Labels, certificates: tuple[bytes, ...]
) -> Entry:
    """The entry of one address of one owner; ``boxes`` are its records, one for each structure."""
    first, *others = boxes
    records = (first, *others)
    names = _person_names(first, person) if first.national_id else _organisation_names(first)
    places = records if any(box.city for box in records) else (person.offices if person else ())
    values: dict[str, Iterable[str | bytes]] = names | {
        "mail": [first.address],
        "o": names.get("o", ()) or [place.organisation for place in (*records, *places)],
        "ou": [box.service for box in records],
        "street": [place.street for place in places],
        "postalCode": [place.postcode for place in places],
        "l": [place.city for place in places],
        "telephoneNumber": person.phones if person else (),
        "title": [labels.profession],
        "description": [*labels.skills, _REFUSES if any(box.accepts is False for box in records) else ""],
        "userCertificate": certificates,
        "userSMIMECertificate": [_bundle(certificates)] if certificates else (),
    }
    kept = {name: tuple(dict.fromkeys(value for value in found if value)) for name, found in values.items()}
    return Entry(name=f"{_lowest(first)},{base}", values=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The words of a person's profession and skills."""

    profession: str = ""
    skills: tuple[str, ...] = ()


def _person_names(box: Mailbox, person: Practitioner | None) -> dict[str, Iterable[str | bytes]]:
    """As the directory's own search knows them, so that what it finds is what matches."""
    family, given = (person.family, person.given) if person else (box.family, box.given)
    family = family or box.address.partition("@")[0]
    both = [f"{given} {family}".strip(), f"{family} {given}".strip()]
    return {
        "objectClass": PERSON,
        "cn": both,
        "displayName": both[:1],
        "sn": [family],
        "givenName": [given],
        "uid": [box.national_id or ""],
        "employeeNumber": [box.rpps or ""],
    }


def _organisation_names(box: Mailbox) -> dict[str, Iterable[str | bytes]]:
    name = " – ".join(part for part in (box.organisation, box.service) if part) or box.address.partition("@")[0]
    return {"objectClass": ORGANISATION, "cn": [name], "displayName": [name], "o": [box.organisation]}


def _lowest(box: Mailbox) -> str:
    owner = f"uid={escaped(box.national_id)}+" if box.national_id else ""
    return f"{owner}mail={escaped(box.address)}"


def _bundle(certificates: tuple[bytes, ...]) -> bytes:
    """A PKCS #7 of certificates alone (RFC 2798 §2.8), which Outlook reads."""
    return pkcs7.serialize_certificates([load_der_x509_certificate(one) for one in certificates], Encoding.DER)


def _described(name: str) -> str:
    """RFC 4523 §2.1: certificates are sent as ``;binary`` alone."""
    return f"{name};binary" if name == "userCertificate" else name


def _octets(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
