"""What the twelve lines of HPRIM Médecin have no place for (hprim.md §1.1): no sex, no INS, no stay, no copy list."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.compose.hprim_header import line_one
from gateway.compose.identity import (
    is_ins,
    nir_is_wrong,
    patient_number,
    professional_name,
    qualified_ins,
    social_security_number,
)
from gateway.compose.losses import Loss, Target, Why
from gateway.compose.reading import hidden, others_named
from gateway.compose.results import usual_moment
from gateway.document import Document, Patient


def header_losses(document: Document) -> Iterator[Loss]:
    """Field by field; ``UNCODED`` where the readable part of the record says it."""
    if document.patient is None:
        return
    yield from _of_the_patient(document.patient)
    yield from _of_the_numbers(document, document.patient)
    yield from _of_the_stay(document)
    yield from _of_the_people(document)
    yield from _of_the_document(document)


def _of_the_patient(patient: Patient) -> Iterator[Loss]:
    if patient.sex:
        yield _uncoded("sex", "patient.sex")
    if patient.used_family:
        yield _uncoded("used-name", "patient.used_family")
    if patient.birth_place:
        yield _absent("birth-place", "patient.birth_place", patient.birth_place)


def _of_the_numbers(document: Document, patient: Patient) -> Iterator[Loss]:
    number = patient_number(document)
    if number is not None and line_one(number) != number.value.strip():
        what = f"{number.value} (ligne 1 : {line_one(number)})"
        yield Loss(target=Target.HPRIM, why=Why.CHANGED, code="patient-number", place="patient.identifiers", what=what)
    if qualified_ins(patient) is not None:
        yield _uncoded("ins", "patient.identifiers")
    if nir_is_wrong(patient):
        yield _absent("nir-key", "patient.identifiers")
    written = {number.value if number else "", social_security_number(patient)}
    others = [
        one.value
        for one in patient.identifiers
        if one.value.strip() and one.value not in written and one.type != "NIR" and not is_ins(one)
    ]
    if others:
        yield _absent("identifiers", "patient.identifiers", ", ".join(others))


def _of_the_stay(document: Document) -> Iterator[Loss]:
    stay = document.stay
    if stay is None:
        return
    if stay.admitted_at or stay.discharged_at:
        yield _uncoded("stay", "stay.admitted_at")
    if stay.file_number and stay.visit and stay.visit != stay.file_number:
        yield _uncoded("visit", "stay.visit")
    if stay.hospital:
        yield _uncoded("hospital", "stay.hospital")


def _of_the_people(document: Document) -> Iterator[Loss]:
    author, second = document.author, document.legal_authenticator
    if author is not None and (professional_name(author) or author.rpps or author.adeli or author.telecom):
        yield _uncoded("author", "author")
    if second is not None and professional_name(second):
        yield _uncoded("authenticator", "legal_authenticator")
    if document.validated_at is not None:
        yield _uncoded("validated", "validated_at")
    if usual_moment(document.results) is not None:
        yield _uncoded("observed", "results")
    if others_named(document):
        yield _uncoded("addressees", "addressees")


def _of_the_document(document: Document) -> Iterator[Loss]:
    told = (
        ("kind", bool(document.kind.loinc)),
        ("replaces", bool(document.replaces)),
        ("cancels", bool(document.cancels)),
        ("urgent", document.urgent),
        ("partial", document.partial),
        ("hidden", bool(hidden(document.wishes))),
    )
    for code, said in told:
        if said:
            yield _uncoded(code, "wishes" if code == "hidden" else code)
    if document.attachments:
        yield _absent("files", "attachments", f"({len(document.attachments)})")


def _uncoded(code: str, place: str) -> Loss:
    return Loss(target=Target.HPRIM, why=Why.UNCODED, code=code, place=place)


def _absent(code: str, place: str, what: str = "") -> Loss:
    return Loss(target=Target.HPRIM, why=Why.ABSENT, code=code, place=place, what=what)
