"""The attributes of the address book: their names, how their values compare, and the few entries that tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

Attributes = dict[str, tuple[bytes, ...]]
"""Attribute descriptions as they are sent, and their values."""


class Rule(Enum):
    """How values compare."""

    WORDS = auto()
    """Accents, case and hyphens folded; a piece of a substrings assertion begins where a word begins."""
    CASELESS = auto()
    """Case folded; a piece may begin anywhere."""
    NONE = auto()
    """Binary: only presence is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of the schema (RFC 4519, 2798, 4523)."""

    name: str
    oid: str
    rule: Rule
    others: tuple[str, ...] = ()
    syntax: str = "1.3.6.1.4.1.1466.115.121.1.15"


ATTRIBUTES = (
    Attribute(name="objectClass", oid="2.5.4.0", rule=Rule.CASELESS, syntax="1.3.6.1.4.1.1466.115.121.1.38"),
    Attribute(name="cn", others=("commonName",), oid="2.5.4.3", rule=Rule.WORDS),
    Attribute(name="displayName", oid="2.16.840.1.113730.3.1.241", rule=Rule.WORDS),
    Attribute(name="sn", others=("surname",), oid="2.5.4.4", rule=Rule.WORDS),
    Attribute(name="givenName", others=("gn",), oid="2.5.4.42", rule=Rule.WORDS),
    Attribute(name="mail", others=("rfc822Mailbox",), oid="0.9.2342.19200300.100.1.3", rule=Rule.CASELESS),
    Attribute(name="uid", others=("userid",), oid="0.9.2342.19200300.100.1.1", rule=Rule.CASELESS),
    Attribute(name="employeeNumber", oid="2.16.840.1.113730.3.1.3", rule=Rule.CASELESS),
    Attribute(name="o", others=("organizationName",), oid="2.5.4.10", rule=Rule.WORDS),
    Attribute(name="ou", others=("organizationalUnitName",), oid="2.5.4.11", rule=Rule.WORDS),
    Attribute(name="title", oid="2.5.4.12", rule=Rule.WORDS),
    Attribute(name="description", oid="2.5.4.13", rule=Rule.WORDS),
    Attribute(name="street", others=("streetAddress",), oid="2.5.4.9", rule=Rule.WORDS),
    Attribute(name="postalCode", oid="2.5.4.17", rule=Rule.CASELESS),
    Attribute(name="l", others=("localityName",), oid="2.5.4.7", rule=Rule.WORDS),
    Attribute(name="telephoneNumber", oid="2.5.4.20", rule=Rule.CASELESS),
    Attribute(name="userCertificate", oid="2.5.4.36", rule=Rule.NONE, syntax="1.3.6.1.4.1.1466.115.121.1.8"),
    Attribute(
        name="userSMIMECertificate",
        oid="2.16.840.1.113730.3.1.40",
        rule=Rule.NONE,
        syntax="1.3.6.1.4.1.1466.115.121.1.5",
    ),
)

_KNOWN = {
    name.lower(): attribute for attribute in ATTRIBUTES for name in (attribute.name, attribute.oid, *attribute.others)
}

_INET_ORG_PERSON = (
    b"( 2.16.840.1.113730.3.2.2 NAME 'inetOrgPerson' SUP organizationalPerson STRUCTURAL MAY ( givenName $ "
    b"displayName $ o $ mail $ uid $ employeeNumber $ userCertificate $ userSMIMECertificate ) )"
)
START_TLS = "1.3.6.1.4.1.1466.20037"
PAGED_RESULTS = "1.2.840.113556.1.4.319"
"""RFC 2696."""
SUBSCHEMA = "cn=subschema"


def attribute_of(description: str) -> Attribute | None:
    """The attribute that a description names, in any case, by any of its names, with or without ``;binary``."""
    return _KNOWN.get(description.partition(";")[0].strip().lower())


def root_dse(base: str, *, can_start_tls: bool) -> Attributes:
    """What a client asks before anything else (RFC 4512 §5.1)."""
    return {
        "objectClass": (b"top",),
        "namingContexts": (base.encode(),),
        "supportedLDAPVersion": (b"3",),
        "supportedControl": (PAGED_RESULTS.encode(),),
        "supportedExtension": (START_TLS.encode(),) if can_start_tls else (),
        "supportedFeatures": (b"1.3.6.1.4.1.4203.1.5.1", b"1.3.6.1.4.1.4203.1.5.3"),  # RFC 3673 and 4526
        "subschemaSubentry": (SUBSCHEMA.encode(),),
        "vendorName": (b"Huitaine",),
    }


def subschema() -> Attributes:
    """The attributes and the object classes, as RFC 4512 §4.2 writes them."""
    kinds = tuple(_described(one).encode() for one in ATTRIBUTES)
    classes = (
        b"( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )",
        b"( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST ( sn $ cn ) MAY ( telephoneNumber $ description ) )",
        b"( 2.5.6.7 NAME 'organizationalPerson' SUP person STRUCTURAL MAY ( title $ ou $ street $ postalCode $ l ) )",
        _INET_ORG_PERSON,
        b"( 2.5.6.8 NAME 'organizationalRole' SUP top STRUCTURAL MUST cn MAY ( ou $ street $ postalCode $ l ) )",
        b"( 1.3.6.1.4.1.1466.101.120.111 NAME 'extensibleObject' SUP top AUXILIARY )",
        b"( 2.5.6.4 NAME 'organization' SUP top STRUCTURAL MUST o MAY description )",
    )
    return {
        "objectClass": (b"top", b"subentry", b"subschema"),
        "cn": (b"subschema",),
        "attributeTypes": kinds,
        "objectClasses": classes,
    }


def _described(one: Attribute) -> str:
    names = " ".join(f"'{name}'" for name in (one.name, *one.others))
    return f"( {one.oid} NAME ( {names} ) SYNTAX {one.syntax} )"
