"""Patients and doctors of HPRIM Santé: ``P`` fields 8.x and the CNA doctors of 8.14, 9.17, 9.29 and 9.33."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from gateway.document import Finding, Identifier, NamedAddressee, Patient, Professional, Role
from gateway.identifiers import Adeli, Rpps, adeli, luhn_is_right, rpps
from gateway.parsers.hprim.framing import Segment
from gateway.parsers.remarks import error, note, warning

_MOST_DOCTORS = 50
_INS = {"INS-C", "INS-A"}
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{4}(?:\d{2})?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """``code~last&first&…~L|A|R``: only type R is an RPPS, A an ADELI, L the sender's own code (hprim.md §2.4)."""

    code: str = field(repr=False)
    type: str
    family: str = field(repr=False)
    given: str = field(repr=False)
    title: str = field(repr=False)
    rest: tuple[str, ...] = field(repr=False, default=())

    @property
    def rpps(self) -> Rpps | None:
        """The RPPS, when the type says that it is one."""
        return rpps(self.code) if self.type == "R" else None

    @property
    def adeli(self) -> Adeli | None:
        """The ADELI number, when the type says that it is one."""
        return adeli(self.code) if self.type == "A" else None

    def as_addressee(self, role: Role, place: str) -> NamedAddressee:
        """Somebody who should get the results."""
        known = self.rpps or self.adeli
        return NamedAddressee(
            role=role, place=place, rpps=self.rpps, adeli=self.adeli, family=self.family, given=self.given,
            local_code="" if known else self.code,
        )  # fmt: skip

    def as_professional(self) -> Professional:
        """Somebody who signed."""
        return Professional(rpps=self.rpps, adeli=self.adeli, family=self.family, given=self.given, title=self.title)


def doctors(segment: Segment, position: int) -> tuple[tuple[Doctor, ...], tuple[Finding, ...]]:
    """All doctors of a field; a number that does not fit its type is a warning and never a key."""
    found: list[Doctor] = []
    findings: list[Finding] = []
    separators = segment.separators
    raw = segment.raw(position)
    parts = raw.split(separators.repeater) if raw.strip() else []
    if len(parts) > _MOST_DOCTORS:
        return (), (
            error("too-many-doctors", segment.place(position), f"more than {_MOST_DOCTORS} doctors in a field"),
        )
    for part in parts:
        subs = [*part.split(separators.sub), "", "", ""]
        name = [*separators.pieces(subs[1]), *[""] * 5]
        doctor = Doctor(
            code=separators.unescape(subs[0]).strip(), type=subs[2].strip().upper(), family=name[0], given=name[1],
            title=name[4], rest=tuple(separators.unescape(sub).strip() for sub in subs[3:-3]),
        )  # fmt: skip
        if doctor.code or doctor.family:
            found.append(doctor)
            findings += _number(doctor, segment.place(position))
    return tuple(found), tuple(findings)


def _number(doctor: Doctor, place: str) -> Iterator[Finding]:
    if doctor.type == "R" and doctor.rpps is None:
        yield warning("rpps-form", place, "code of type R that is not an RPPS: not used", doctor.code)
    elif doctor.rpps and not luhn_is_right(doctor.rpps):
        yield note("rpps-key", place, "the RPPS has a wrong key", doctor.code)
    elif doctor.type == "A" and doctor.adeli is None:
        yield warning("adeli-form", place, "code of type A that is not an ADELI number: not used", doctor.code)
    elif doctor.type not in {"R", "A", "L"}:
        yield warning("doctor-type", place, "doctor's code without a type L, A or R: not used", doctor.code)


def read_patient(segment: Segment, *, requester: str, performer: str) -> tuple[Patient, tuple[Finding, ...]]:
    """Traits and numbers of ``P``; without family name, first name and birth date it is an error."""
    name = (*segment.subs(6), "", "")
    birth_name = segment.value(7)
    born, remarks = _born(segment)
    patient = Patient(
        family=birth_name or name[0],
        given=name[1],
        birth_date=born,
        sex=sex if (sex := segment.value(9).upper()) in {"F", "M", "U"} else None,
        used_family=name[0] if birth_name and name[0] != birth_name else "",
        address=tuple(part for part in segment.parts(11) if part),
        identifiers=tuple(_identifiers(segment, requester, performer)),
    )
    missing = [
        (what, position)
        for what, position, value in (
            *(("family name", 6, patient.family), ("first name", 6, patient.given)),
            ("birth date", 8, born),
        )
        if not value
    ]
    lacks = [
        error("patient-incomplete", segment.place(position), f"no {what}: the patient is not identified")
        for what, position in missing
    ]
    return patient, (*remarks, *lacks, *_patient_findings(segment))


def _patient_findings(segment: Segment) -> Iterator[Finding]:
    for position, what in ((3, "number"), (6, "name")):
        if segment.repeated(position):
            words = f"the patient's {what} is repeated, which the field does not allow: the first one is used"
            yield warning("field-repeated", segment.place(position), words)
    if any(len(part) < 2 or part[1].upper() not in _INS for part in segment.repetitions(12) if part[0]):
        yield note("ins-form", segment.place(12), "number without a type INS-C or INS-A: never taken as an INS")
    if segment.value(32):
        words = (
            "the message carries a confidentiality code (8.32): somebody should look before it goes to more than one"
        )
        yield warning("sante-confidential", segment.place(32), words, segment.value(32))


def _identifiers(segment: Segment, requester: str, performer: str) -> Iterator[Identifier]:
    if own := (*segment.subs(3), "")[0]:
        yield Identifier(value=own, authority=requester, type="PI")
    if theirs := segment.value(4):
        yield Identifier(value=theirs, authority=performer, type="PI")
    for part in segment.repetitions(12):
        # 2.4 knows only INS-C and INS-A, which are not the INS of today; 2.3 had no type, and what 2.5 puts here is
        # not known: never qualified, and never called INS (hprim.md §2.4).
        if part[0]:
            sent = part[1].upper() if len(part) > 1 else ""
            yield Identifier(value=part[0], type=sent if sent in _INS else "INS-?")


def _born(segment: Segment) -> tuple[str, tuple[Finding, ...]]:
    text, place = segment.value(8), segment.place(8)
    found = _DAY.fullmatch(text)
    if found is None:
        return "", (error("birth-date-unreadable", place, "birth date is not AAAAMMJJ", text),) if text else ()
    year, month, day = found.groups()
    iso = f"{year}-{month}-{day}"
    if _is_day(iso):
        return iso, ()
    if day == "00" or month == "00" or month > "12":
        return text, (warning("birth-date-fictive", place, "birth date is no day of the calendar: kept as text", text),)
    return text, (error("birth-date-unreadable", place, "birth date is no day of the calendar", text),)


def _is_day(iso: str) -> bool:
    try:
        return date.fromisoformat(iso).year >= 1850
    except ValueError:
        return False
