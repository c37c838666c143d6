"""PRT segments of the CI-SIS volet: who sends (SB), who receives (RCT), where to reply (REPLY)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.document import Finding, Identifier, NamedAddressee, Professional, Role
from gateway.parsers.hl7v2.datatypes import (
    Person,
    addressee,
    check_addressee,
    mail_address,
    organisation,
    person,
    professional,
)
from gateway.parsers.hl7v2.er7 import Segment
from gateway.parsers.remarks import warning

_PATIENTS = "@patient.mssante.fr"
_ADDRESSES = (15, 14, 16)
"""PRT-15 by the table of the IG; one of its examples has PRT-16, and old senders count from PRT-14."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participations:
    """What the PRT segments of one document say."""

    sender: Professional | None = None
    addressees: tuple[NamedAddressee, ...] = ()
    reply_to: str | None = None


def read_participations(segments: Iterable[Segment], findings: list[Finding]) -> Participations:
    """The sender, the addressees in their order and the reply address; deviations go to ``findings``."""
    sender, reply_to = None, None
    addressees = []
    for prt in segments:
        match prt.get(4).upper():
            case "SB":
                sender = sender or _sender(prt)
            case "RCT":
                addressees.append(_addressee(prt, findings))
            case "REPLY":
                reply_to = reply_to or _address(prt) or None
            case _:
                words = "PRT-4 is none of SB, RCT, REPLY; this participation is left out"
                findings.append(warning("participation-unknown", prt.place(4), words))
    return Participations(sender=sender, addressees=tuple(addressees), reply_to=reply_to)


def _sender(prt: Segment) -> Professional:
    name, number = organisation(prt.element(8))
    return professional(person(prt.element(5)), name, number)


def _addressee(prt: Segment, findings: list[Finding]) -> NamedAddressee:
    who, mailbox = person(prt.element(5)), _address(prt)
    number = organisation(prt.element(8))[1]
    role = _role(who, number, mailbox)
    # An INS is no local code: it must not travel in a place that is shown in traces.
    one = replace(
        addressee(who, role, prt.place(5)),
        mailbox=mailbox or None,
        organisation_id=number,
        local_code="" if role is Role.PATIENT else who.local_code,
    )
    if not mailbox:
        words = "this RCT has no address in PRT-15 (^^X.400^address); the directory is asked"
        findings.append(warning("recipient-without-address", prt.place(15), words))
    findings.extend(check_addressee(one))
    return one


def _role(who: Person, number: Identifier | None, mailbox: str) -> Role:
    if who.is_patient or mailbox.lower().endswith(_PATIENTS):
        return Role.PATIENT
    return Role.COPY if who.number or not number else Role.ORGANISATION


def _address(prt: Segment) -> str:
    elements = (element for number in _ADDRESSES for element in prt.elements(number))
    return next((address for element in elements if (address := mail_address(element))), "")
