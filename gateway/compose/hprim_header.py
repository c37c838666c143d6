"""The twelve header lines of an HPRIM Médecin record, where position is everything (hprim.md §1.1, §1.2, §1.9)."""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.compose.dispatch import Dispatch, day
from gateway.compose.identity import french_birth, patient_number, social_security_number
from gateway.compose.latin import Latin1, harmless
from gateway.compose.losses import Loss, Target, Why
from gateway.compose.text import one_line, visible
from gateway.document import Document, Identifier, Patient

_CITY = re.compile(r"(?:F-)?([0-9]{5})\s+(\S.*)")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,10}")
_WIDTH = 78
_NAME = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The twelve lines, and what was cut in them."""

    lines: tuple[str, ...] = field(repr=False)
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    text: str = field(repr=False)
    code: str = ""
    place: str = ""
    width: int = _WIDTH


def can_be_written(document: Document) -> bool:
    """Name, first name and birth date are the least that readers file by; without them nothing is made up.

    A name of which ISO-8859-1 has no letter is no name there: readers would find question marks.
    """
    patient = document.patient
    if patient is None or not french_birth(patient):
        return False
    spell = Latin1()
    return all(any(sign.isalpha() for sign in spell(visible(name))) for name in (patient.family, patient.given))


def head(dispatch: Dispatch, document: Document, spell: Latin1) -> Head:
    """The lines in the characters of ISO-8859-1, each at most 78 columns, names at most 50."""
    patient = document.patient
    if patient is None:
        return Head(lines=(), losses=())
    shown = [(line, _spelled(spell, line.text)) for line in _lines(dispatch, document, patient)]
    losses = tuple(
        Loss(target=Target.HPRIM, why=Why.CHANGED, code=line.code, place=line.place, what=one_line(line.text))
        for line, text in shown
        if line.code and len(text) > line.width
    )
    return Head(lines=tuple(text[: line.width].rstrip() for line, text in shown), losses=losses)


def line_one(number: Identifier) -> str:
    """Line 1, ``[A-Za-z0-9_-]{1,10}``: readers file by it, so a longer number becomes a digest, never a cut number.

    Two patients whose numbers share ten characters must not share a file; 45 bits of SHA-256 keep them apart.
    """
    value = number.value.strip()
    if _CODE.fullmatch(value):
        return value
    digest = sha256(f"{number.authority}|{value}".encode()).digest()
    return "H" + b32encode(digest).decode("ascii")[:9]


def _lines(dispatch: Dispatch, document: Document, patient: Patient) -> Sequence[_Line]:
    stay = document.stay
    number = patient_number(document)
    about = document.written_at or document.validated_at or dispatch.about
    first, second, city = _address(patient)
    return (
        _Line(text=line_one(number) if number else "."),  # never blank: leading blank lines get trimmed on the way
        _Line(text=one_line(patient.family).upper(), code="name", place="patient.family", width=_NAME),
        _Line(text=one_line(patient.given), code="name", place="patient.given", width=_NAME),
        _Line(text=first, code="address", place="patient.address"),
        _Line(text=second, code="address", place="patient.address"),
        _Line(text=city, code="address", place="patient.address"),
        _Line(text=french_birth(patient)),
        _Line(text=social_security_number(patient)),
        _Line(text=((stay.file_number or stay.visit) if stay else None) or "", code="file-number", place="stay"),
        _Line(text=day(about)),
        _Line(text=_party(_sender_code(document), dispatch.service), code="unit", place="stay.unit"),
        _Line(text=_party(".", dispatch.addressed.mailbox.partition("@")[0])),
    )


def _spelled(spell: Latin1, text: str) -> str:
    """One line of any length: the layout of lines 11 and 12 keeps its blanks."""
    return harmless(spell(visible(text).replace("\n", " "))).replace("|", " ").rstrip()


def _address(patient: Patient) -> tuple[str, str, str]:
    """Lines 4, 5 and 6: the line that starts with a postcode is the city's, the others keep their order."""
    lines = [one_line(line) for line in patient.address if line.strip()]
    index = next((place for place, line in enumerate(lines) if _CITY.fullmatch(line)), -1)
    city = ""
    if index >= 0:
        found = _CITY.fullmatch(lines.pop(index))
        city = f"{found[1]} {found[2]}" if found else ""
    return (lines[0] if lines else "", ", ".join(lines[1:]), city)


def _party(code: str, name: str) -> str:
    """Lines 11 and 12: code in columns 1 to 10, blank, name from column 12 (hprim.md §1.2)."""
    return f"{code[:10].ljust(10)} {one_line(name)}"


def _sender_code(document: Document) -> str:
    organisation = document.author.organisation_id if document.author else None
    value = organisation.value.strip() if organisation else ""
    return value if _CODE.fullmatch(value) else "."
