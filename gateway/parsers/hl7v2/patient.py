"""PID, PV1 and MRG: who the message is about and which stay (PAM.fr 2.11; IG-TRANS)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.document import Finding, Identifier, Patient, Stay
from gateway.identifiers import INS_OIDS
from gateway.parsers.hl7_time import birth_date, moment
from gateway.parsers.hl7v2.datatypes import identifier
from gateway.parsers.hl7v2.er7 import Element, Message, Segment
from gateway.parsers.ins import check_ins
from gateway.parsers.remarks import error, warning

_DAY = re.compile(r"(?:18[5-9]|19\d|2[01]\d)\d-\d\d-\d\d")
_PART_OF_A_DAY = re.compile(r"(?:18[5-9]|19\d|2[01]\d)\d(?:\d\d(?:\d\d(?:\d{2,6})?)?)?(?:\.\d+)?(?:[+-]\d{4})?")
_SEXES = {"M", "F", "U"}


def read_patient(pid: Segment, findings: list[Finding]) -> Patient | None:
    """The patient of a PID, or ``None`` with an error when it names nobody.

    An INS counts as qualified only when PID-32 holds VALI (PAM.fr 6.6); otherwise it is kept, unqualified.
    """
    if not pid:
        findings.append(error("no-patient", "PID", "there is no PID segment; send the patient's identity"))
        return None
    names = pid.elements(5)
    birth = _typed(names, 7, "L") or (names[0] if names else None)
    if birth is None or not birth.get(1):
        findings.append(error("patient-without-name", pid.place(5), "the patient has no family name; fill PID-5"))
    return Patient(
        family=birth.get(1) if birth else "",
        given=birth.get(2) if birth else "",
        birth_date=_born(pid, findings),
        sex=_sex(pid, findings),
        used_family=used.get(1) if (used := _typed(names, 7, "D")) else "",
        address=_address(pid),
        birth_place=_birth_place(pid),
        identifiers=_identifiers(pid, findings),
    )


def prior_patient(mrg: Segment) -> Patient | None:
    """The identity that A40 merges away or A47 changes (MRG-1, MRG-7)."""
    if not mrg:
        return None
    found = tuple(identifier(element) for element in mrg.elements(1))
    return Patient(family=mrg.get(7, 1), given=mrg.get(7, 2), identifiers=found)


def read_stay(message: Message, pid: Segment) -> Stay | None:
    """Visit, file, times and place of the stay; ``None`` when the message tells nothing of a stay."""
    pv1 = message.first(b"PV1")
    stay = Stay(
        visit=pv1.get(19) or None,
        file_number=pid.get(18) or None,
        admitted_at=moment(pv1.get(44)),
        discharged_at=moment(pv1.get(45)),
        unit=pv1.get(3) or None,
        hospital=_hospital(message, pv1),
        patient_class=pv1.get(2) or None,
    )
    return stay if stay != Stay(hospital=stay.hospital, patient_class=stay.patient_class) else None


def _hospital(message: Message, pv1: Segment) -> str | None:
    """A name for people: that of PV1-3.4, else of the sender; AUT-AFFECTATION is a filler of the French guides."""
    name = pv1.get(3, 4)
    sender = message.first(b"MSH").get(4)
    return (name if name != "AUT-AFFECTATION" else "") or sender or pv1.get(3, 4, 2) or pv1.get(19, 4, 2) or None


def _born(pid: Segment, findings: list[Finding]) -> str:
    """PID-7: a day, a year, or the fictive date of whoever knows no better; anything else is nobody's birth date."""
    born = birth_date(pid.get(7))
    if born and not (_DAY.fullmatch(born) or _PART_OF_A_DAY.fullmatch(born)):
        words = "PID-7 is no date of birth (AAAAMMJJ): day, month and year could be mistaken; correct it"
        findings.append(error("birth-date-unreadable", pid.place(7), words))
    return born


def _typed(elements: Sequence[Element], component: int, kind: str) -> Element | None:
    return next((element for element in elements if element.get(component) == kind), None)


def _identifiers(pid: Segment, findings: list[Finding]) -> tuple[Identifier, ...]:
    qualified = any(status.get(1) == "VALI" for status in pid.elements(32))
    found = tuple(one for element in pid.elements(3) if (one := identifier(element, qualified=qualified)).value)
    place = pid.place(3)
    if not found:
        findings.append(warning("patient-without-number", place, "the patient has no identifier; fill PID-3"))
    for one in found:
        findings.extend(check_ins(one, place))
        findings.extend(_remarks(one, place))
    return found


def _remarks(one: Identifier, place: str) -> tuple[Finding, ...]:
    if one.type == "INS" and one.authority not in INS_OIDS:
        return (warning("ins-without-oid", place, "typed INS without an OID of the INS: it does not count as one"),)
    if one.type == "INS" and not one.qualified:
        words = "an INS without PID-32 VALI: it is not used; send it only when the identity is qualified"
        return (warning("ins-not-qualified", place, words),)
    return ()


def _sex(pid: Segment, findings: list[Finding]) -> str | None:
    code = pid.get(8)
    if not code or code in _SEXES:
        return code or None
    findings.append(warning("sex-unknown", pid.place(8), "PID-8 must be F, M or U; read as U"))
    return "U"


def _address(pid: Segment) -> tuple[str, ...]:
    """The first address that is not the place of birth, as lines of an envelope."""
    for element in pid.elements(11):
        if element.get(7) != "BDL":
            town = " ".join(filter(None, (element.get(5), element.get(3))))
            return tuple(filter(None, (element.get(1), element.get(2), town, element.get(6))))
    return ()


def _birth_place(pid: Segment) -> str:
    """The INSEE code of the place of birth (XAD-9 of type BDL), else PID-23 as sent."""
    place = _typed(pid.elements(11), 7, "BDL")
    return (place.get(9) if place else "") or pid.get(23)
