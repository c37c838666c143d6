"""Who gets a document that came in a message: the RCT of its PRT segments, with the role that it knows (IG-TRANS)."""

from __future__ import annotations

from dataclasses import replace

from gateway.document import Document, Finding, NamedAddressee, Patient, Role
from gateway.identifiers import Rpps
from gateway.parsers.hl7v2.doctors import named_doctors
from gateway.parsers.hl7v2.er7 import Message
from gateway.parsers.hl7v2.participations import Participations
from gateway.parsers.remarks import warning


def recipients(
    message: Message, document: Document, prt: Participations, findings: list[Finding]
) -> tuple[NamedAddressee, ...]:
    """The RCT alone when there are any; otherwise whom the document and the message name elsewhere.

    ``document`` has the message's patient already and the document's own addressees still.
    """
    if prt.addressees:
        roles = {one.rpps: one.role for one in document.addressees if one.rpps}
        return tuple(_in_role(_own_mailbox_only(one, document.patient, findings), roles) for one in prt.addressees)
    words = "no PRT RCT names a recipient; the doctors named elsewhere count"
    findings.append(warning("no-recipient", "PRT-4", words))
    known = {one.rpps for one in document.addressees if one.rpps}
    others = named_doctors(message, findings)
    return (*document.addressees, *(one for one in others if not one.rpps or one.rpps not in known))


def _in_role(one: NamedAddressee, roles: dict[Rpps, Role]) -> NamedAddressee:
    """A copy becomes the GP or the referrer when the document says that this RPPS is."""
    if one.role is Role.COPY and one.rpps and one.rpps in roles:
        return replace(one, role=roles[one.rpps])
    return one


def _own_mailbox_only(one: NamedAddressee, patient: Patient | None, findings: list[Finding]) -> NamedAddressee:
    """A patient's mailbox is his qualified INS (ECO.2.2.6); another one might be somebody else's and is dropped."""
    if one.role is not Role.PATIENT or one.mailbox is None:
        return one
    numbers = patient.identifiers if patient else ()
    own = {number.value for number in numbers if number.type == "INS" and number.qualified}
    if one.mailbox.partition("@")[0] in own:
        return one
    words = "the patient's address is not his qualified INS; it is not used: correct PRT-15 or PID-3 and PID-32"
    findings.append(warning("patient-address-differs", one.place, words))
    return replace(one, mailbox=None)
