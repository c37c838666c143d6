"""Doctors named in places of their own: ROL or PRT (PAM.fr), PV1-7, PV1-8, PD1-4, ORC-12, OBR-16, OBR-28."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway.document import Finding, NamedAddressee, Role
from gateway.parsers.hl7_time import moment
from gateway.parsers.hl7v2.datatypes import addressee, check_addressee, person
from gateway.parsers.hl7v2.er7 import Message, Segment

_ROLES = {
    "ODRP": Role.GP,
    "FHCP": Role.COPY,
    "SUBS": Role.COPY,
    "RT": Role.REFERRER,
    "RP": Role.REFERRER,
}
"""ROL-3: declared GP, family doctor when different, locum, corresponding and referring doctor (PAM.fr 2.11)."""

_PARTICIPATIONS = _ROLES | {"PP": Role.GP}
_ORDERED = _PARTICIPATIONS | {"OP": Role.REFERRER, "RCT": Role.COPY}
"""PRT-4 (table 0912): the codes of ROL-3, the primary care provider; with an order, who asked and who gets a copy."""

_RANK = {Role.GP: 0, Role.REFERRER: 1, Role.COPY: 2}


def stay_doctors(message: Message, findings: list[Finding]) -> tuple[NamedAddressee, ...]:
    """Those who follow the patient outside: ROL, PD1-4, and PV1-8 who referred (R.1112-1-2 CSP asks for both)."""
    found = [*_by_role(message), *_by_participation(message, _PARTICIPATIONS), *_by_field(message, _OUTSIDE)]
    return _each_once(found, findings)


def named_doctors(message: Message, findings: list[Finding]) -> tuple[NamedAddressee, ...]:
    """Those, and whoever ordered the examination or gets a copy of its results."""
    found = [*_by_role(message), *_by_participation(message, _ORDERED), *_by_field(message, _OUTSIDE + _ORDERING)]
    # The hospital's own doctor gets a copy when he can be written to; a local code of his must not hold the letter.
    inside = (one for one in _by_field(message, _INSIDE) if one.rpps or one.adeli)
    return _each_once([*found, *inside], findings)


_OUTSIDE = ((b"PD1", 4, Role.GP), (b"PV1", 8, Role.REFERRER))
_ORDERING = ((b"OBR", 16, Role.REFERRER), (b"ORC", 12, Role.REFERRER), (b"OBR", 28, Role.COPY))
_INSIDE = ((b"PV1", 7, Role.COPY),)


def _by_role(message: Message) -> Iterator[NamedAddressee]:
    roles = message.all(b"ROL")
    event = _event(message) if roles else None
    for rol in roles:
        role = _ROLES.get(rol.get(3))
        if role and rol.get(2) != "DE" and not _over(rol, event, 6):
            for element in rol.elements(4):
                yield addressee(person(element), role, rol.place(4))


def _by_participation(message: Message, roles: Mapping[str, Role]) -> Iterator[NamedAddressee]:
    """PRT takes the place of ROL (HL7 2.7, PAM.fr 2.10): PRT-2 action, PRT-4 role, PRT-5 who, PRT-12 end."""
    segments = message.all(b"PRT")
    event = _event(message) if segments else None
    for prt in segments:
        role = roles.get(prt.get(4).upper())
        if role and prt.get(2) != "DE" and not _over(prt, event, 12):
            for element in prt.elements(5):
                yield addressee(person(element), role, prt.place(5))


def _event(message: Message) -> datetime | None:
    evn = message.first(b"EVN")
    return moment(evn.get(6)) or moment(evn.get(2))


def _over(segment: Segment, event: datetime | None, field: int) -> bool:
    end = moment(segment.get(field))
    return bool(end and event and end < event)


def _by_field(message: Message, fields: tuple[tuple[bytes, int, Role], ...]) -> Iterator[NamedAddressee]:
    for name, number, role in fields:
        for segment in message.all(name):
            for element in segment.elements(number):
                yield addressee(person(element), role, segment.place(number))


def _each_once(found: list[NamedAddressee], findings: list[Finding]) -> tuple[NamedAddressee, ...]:
    """One entry for a person named in several places, in the strongest role.

    Two without a national number are one only when their local code is the same too, never by name alone.
    """
    kept: dict[tuple[str, ...], NamedAddressee] = {}
    for one in sorted(found, key=lambda one: _RANK[one.role]):
        national = one.rpps or one.adeli
        key = (national,) if national else (one.local_code, one.family.casefold(), one.given.casefold())
        kept.setdefault(key, one)
    for one in kept.values():
        findings.extend(check_addressee(one))
    return tuple(kept.values())
