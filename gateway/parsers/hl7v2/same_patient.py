"""Whether the document inside a message is about the message's patient: in doubt, refuse (decision 16)."""

from __future__ import annotations

import unicodedata

from gateway.document import Finding, Patient
from gateway.parsers.ins import ins_of
from gateway.parsers.remarks import error, warning


def check_same_patient(outer: Patient, inner: Patient, place: str) -> tuple[Finding, ...]:
    """An error when the two cannot be one person, a warning when a trait differs that may be a correction."""
    numbers = ins_of(outer), ins_of(inner)
    if all(numbers) and numbers[0].isdisjoint(numbers[1]):
        return (_another(place, "their INS differ"),)
    differences = [
        name
        for name, one, other in (
            ("family name", _folded(outer.family), _folded(inner.family)),
            ("birth date", outer.birth_date, inner.birth_date),
        )
        if one and other and one != other
    ]
    if len(differences) == 2 or (differences and not any(numbers)):
        return (_another(place, f"their {' and '.join(differences)} differ"),)
    return tuple(
        warning("patient-trait-differs", place, f"{name} in the document is not the one in PID; check the identity")
        for name in differences
    )


def _another(place: str, why: str) -> Finding:
    words = f"the document is not about the patient of PID ({why}); send the right document or correct PID"
    return error("patient-mismatch", place, words)


def _folded(name: str) -> str:
    """Letters only, without accents: PAT-TROIS, Pat Trois and PÂT TROIS are one name."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if letter.isalnum())
