"""Whether the document inside a message is about the message's patient: in doubt, refuse (decision 16)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from gateway.document import Finding, Patient
from gateway.parsers.ins import ins_of
from gateway.parsers.remarks import error, warning


def check_same_patient(outer: Patient, inner: Patient, place: str) -> tuple[Finding, ...]:
    """An error when the two cannot be one person, a warning when a trait differs that may be a correction."""
    numbers = ins_of(outer), ins_of(inner)
    if all(numbers) and numbers[0].isdisjoint(numbers[1]):
        return (_another(place, "their INS differ"),)
    differences = list(_differences(outer, inner))
    linked = not _values(outer).isdisjoint(_values(inner))
    if len(differences) == 2 or (differences and not linked):
        return (_another(place, f"their {' and '.join(differences)} differ"),)
    return tuple(
        warning("patient-trait-differs", place, f"{name} in the document is not the one in PID; check the identity")
        for name in differences
    )


def _differences(outer: Patient, inner: Patient) -> Iterator[str]:
    """Birth and used names count as one set: older senders put the used name first."""
    names = _names(outer), _names(inner)
    if all(names) and names[0].isdisjoint(names[1]):
        yield "family name"
    if outer.birth_date and inner.birth_date and outer.birth_date != inner.birth_date:
        yield "birth date"


def _names(patient: Patient) -> set[str]:
    return {_folded(name) for name in (patient.family, patient.used_family) if name}


def _values(patient: Patient) -> set[str]:
    return {identifier.value for identifier in patient.identifiers}


def _another(place: str, why: str) -> Finding:
    words = f"the document is not about the patient of PID ({why}); send the right document or correct PID"
    return error("patient-mismatch", place, words)


def _folded(name: str) -> str:
    """Letters only, without accents: PAT-TROIS, Pat Trois and PÂT TROIS are one name."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if letter.isalnum())
