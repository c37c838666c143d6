"""Who and what a letter is about, as labels with their values: the head of the text, of the record and of the page."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.compose.dispatch import day, moment
from gateway.compose.identity import (
    french_birth,
    ins_is_withheld,
    patient_number,
    professional_name,
    qualified_ins,
)
from gateway.compose.reading import addressee_lines, hidden_lines
from gateway.compose.results import usual_moment
from gateway.compose.text import one_line
from gateway.compose.words import Words
from gateway.document import Document, Patient, Professional, Stay

Fact = tuple[str, tuple[str, ...]]
"""A label and its values, each for a line of its own."""


def facts(document: Document, words: Words) -> list[Fact]:
    """Patient, stay, people, dates, other addressees, restrictions; only what is known."""
    found = _facts(document, words)
    shown = ((label, tuple(one_line(value) for value in values if value.strip())) for label, values in found)
    return [(label, values) for label, values in shown if values]


def _facts(document: Document, words: Words) -> Iterator[Fact]:
    if document.patient is not None:
        yield words.patient, _patient(document, document.patient, words)
    if document.stay is not None:
        yield words.stay, _stay(document.stay, words)
    yield from _people(document, words)
    if document.written_at is not None:
        yield words.written, (day(document.written_at),)
    observed = usual_moment(document.results)
    if observed is not None:
        yield words.observed, (moment(observed),)
    yield words.addressees, addressee_lines(document, words)
    yield words.restricted, hidden_lines(document.wishes, words)


def _patient(document: Document, patient: Patient, words: Words) -> tuple[str, ...]:
    other = patient.used_family.casefold() not in {"", patient.family.casefold()}
    used = f" ({words.used_name} {patient.used_family})" if other else ""
    birth = french_birth(patient) or patient.birth_date
    first = f"{patient.family} {patient.given}{used}"
    traits = filter(None, (first, f"{words.born} {birth}" if birth else "", patient.sex or ""))
    ins = qualified_ins(patient)
    number = patient_number(document)
    numbers = (
        f"{words.ins} {ins.value}" if ins else "",
        words.ins_withheld if ins_is_withheld(patient) else "",
        f"{words.patient_number} {number.value}" if number else "",
    )
    return ", ".join(traits), ", ".join(filter(None, numbers))


def _stay(stay: Stay, words: Words) -> tuple[str, ...]:
    if stay.admitted_at and stay.discharged_at:
        dates = words.from_to.format(day(stay.admitted_at), day(stay.discharged_at))
    elif stay.admitted_at:
        dates = words.since.format(day(stay.admitted_at))
    else:
        dates = words.until.format(day(stay.discharged_at)) if stay.discharged_at else ""
    number = f"{words.visit} {stay.visit}" if stay.visit else ""
    if not number and stay.file_number:
        number = f"{words.file_number} {stay.file_number}"
    place = ", ".join(filter(None, (f"{words.unit} {stay.unit}" if stay.unit else "", stay.hospital)))
    return dates, place, number


def _people(document: Document, words: Words) -> Iterator[Fact]:
    author, second = document.author, document.legal_authenticator
    if author is not None:
        name = ", ".join(filter(None, (professional_name(author), author.organisation)))
        yield words.author, (name, _reachable(author))
    when = moment(document.validated_at) if document.validated_at else ""
    if second is None or not professional_name(second):
        yield words.validated, (when,)
        return
    known = author is not None and professional_name(second) == professional_name(author)
    ways = "" if author is not None and second.telecom == author.telecom else _reachable(second)
    name = "" if known and not (ways or when) else professional_name(second)
    yield words.validated_by, (", ".join(filter(None, (name, when))), ways)


def _reachable(professional: Professional) -> str:
    """Phone numbers and addresses as a person writes them."""
    return ", ".join(one_line(way.removeprefix("tel:").removeprefix("mailto:")) for way in professional.telecom)
