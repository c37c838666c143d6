"""Which of a patient's numbers may leave, and how a patient is named for a reader (design.md, decision 16)."""

from __future__ import annotations

import re
from datetime import date

from gateway.document import Document, Identifier, Patient, Professional
from gateway.identifiers import INS_NIA, INS_NIR, TEST_INS, ins_is_right

INS_AUTHORITIES = (INS_NIR, *sorted(TEST_INS), INS_NIA)
"""NIR before NIA: when both come, the NIR is used (mssante.md §5.3)."""

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_NIR = re.compile(r"[1-478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}([0-9]{2})?")
_FRENCH_DATE = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")


def qualified_ins(patient: Patient) -> Identifier | None:
    """The INS that may be shown and sent: said to be qualified, from a known authority, with its own key."""
    for authority in INS_AUTHORITIES:
        for number in patient.identifiers:
            if number.qualified and number.authority == authority and is_ins(number) and ins_is_right(number.value):
                return number
    return None


def ins_is_withheld(patient: Patient) -> bool:
    """Whether the letter gives an INS that may not leave: readers are told, the number is not shown."""
    return qualified_ins(patient) is None and any(is_ins(number) for number in patient.identifiers)


def identity_is_complete(patient: Patient) -> bool:
    """Whether ``X-MSS-INS: O`` is true: matricule, OID and the five traits of RNIV."""
    traits = (patient.family, patient.given, iso_birth(patient), patient.sex, patient.birth_place)
    return qualified_ins(patient) is not None and all(traits)


def patient_number(document: Document) -> Identifier | None:
    """The sender's own permanent number (IPP), never a social security number."""
    numbers = document.patient.identifiers if document.patient else ()
    return next((number for number in numbers if number.type == "PI" and number.value.strip()), None)


def social_security_number(patient: Patient) -> str:
    """A NIR stated as such (HPRIM Médecin line 8), digits only, its key right if it has one; never made of an INS."""
    return next((digits for digits in _stated(patient) if _NIR.fullmatch(digits) and _key_is_right(digits)), "")


def nir_is_wrong(patient: Patient) -> bool:
    """Whether a NIR was stated that cannot be one: it is not handed on."""
    return any(_stated(patient)) and not social_security_number(patient)


def is_oid(text: str) -> bool:
    """Whether ``text`` is a dotted OID."""
    return _OID.fullmatch(text) is not None


def iso_birth(patient: Patient) -> str:
    """The birth date as ISO, or nothing when it is not a date of the calendar."""
    try:
        return date.fromisoformat(patient.birth_date).isoformat()
    except ValueError:
        return ""


def french_birth(patient: Patient) -> str:
    """``JJ/MM/AAAA``; a fictive date that already has this shape stays as it is; else nothing."""
    iso = iso_birth(patient)
    if iso:
        year, month, day = iso.split("-")
        return f"{day}/{month}/{year}"
    return patient.birth_date if _FRENCH_DATE.fullmatch(patient.birth_date) else ""


def professional_name(professional: Professional) -> str:
    """``Dr Anne DURAND``; empty when only an organisation is known."""
    return " ".join(filter(None, (professional.title, professional.given, professional.family)))


def _stated(patient: Patient) -> list[str]:
    numbers = (number.value for number in patient.identifiers if number.type == "NIR")
    return [re.sub(r"[\s.]", "", value).upper() for value in numbers if value.strip()]


def _key_is_right(digits: str) -> bool:
    return len(digits) == 13 or ins_is_right(digits)


def is_ins(number: Identifier) -> bool:
    """Whether it is an INS, by its type or its authority."""
    return number.type.upper().startswith("INS") or number.authority in INS_AUTHORITIES
