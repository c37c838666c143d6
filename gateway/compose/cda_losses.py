"""What a CDA level 1 around a PDF does not say: it has a header, and one file that software cannot look into."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.compose.cda_ids import is_global
from gateway.compose.identity import iso_birth, patient_number, qualified_ins
from gateway.compose.losses import Loss, Target, Why
from gateway.compose.reading import others_named
from gateway.document import Document, Patient, Role


def cda_losses(document: Document, pdf: bytes) -> Iterator[Loss]:
    """Field by field; ``UNCODED`` where the PDF shows it."""
    yield from _of_the_content(document, pdf)
    yield from _of_the_stay(document)
    if document.patient is not None:
        yield from _of_the_patient(document, document.patient)
    yield from _of_the_people(document)
    for code, number in (("replaces", document.replaces), ("cancels", document.cancels)):
        if number and not is_global(number):  # software finds the earlier document by an OID only
            yield _loss(Why.UNCODED, code, code, number)


def _of_the_content(document: Document, pdf: bytes) -> Iterator[Loss]:
    if document.results:
        yield _loss(Why.UNCODED, "results", "results")
    came = pdf in (document.original.content, *(one.content for one in document.attachments))
    if came and document.text.strip():
        yield _loss(Why.ABSENT, "text", "text")  # the sender's own PDF: nobody says that it holds these words
    others = sum(1 for one in document.attachments if one.content != pdf)
    if others:
        yield _loss(Why.ABSENT, "files", "attachments", f"({others})")
    for code, said in (("urgent", document.urgent), ("partial", document.partial)):
        if said:
            yield _loss(Why.UNCODED, code, code)


def _of_the_people(document: Document) -> Iterator[Loss]:
    if document.validated_at is not None and document.legal_authenticator is None:
        yield _loss(Why.UNCODED, "validated", "validated_at")
    if any(not (one.rpps or one.adeli) for one in document.addressees if one.role is not Role.PATIENT):
        yield _loss(Why.UNCODED if others_named(document) else Why.ABSENT, "addressees", "addressees")


def _of_the_stay(document: Document) -> Iterator[Loss]:
    stay = document.stay
    if stay is not None and stay.file_number and stay.visit and stay.file_number != stay.visit:
        yield _loss(Why.ABSENT, "file-number", "stay.file_number", stay.file_number)


def _of_the_patient(document: Document, patient: Patient) -> Iterator[Loss]:
    if patient.birth_date and not iso_birth(patient):
        yield _loss(Why.UNCODED, "birth-date", "patient.birth_date")
    number, ins = patient_number(document), qualified_ins(patient)
    written = {one.value for one in (number, ins) if one is not None}
    others = [one for one in patient.identifiers if one.value.strip() and one.value not in written]
    if any(not one.type.upper().startswith("INS") for one in others):
        yield _loss(Why.ABSENT, "identifiers", "patient.identifiers")


def _loss(why: Why, code: str, place: str, what: str = "") -> Loss:
    return Loss(target=Target.CDA, why=why, code=code, place=place, what=what)
