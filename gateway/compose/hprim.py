"""Writing an HPRIM Médecin record by the generator profile (hprim.md §1.9): what all readers looked at accept.

Twelve header lines whose position is everything, one empty line, readable text, then ``RES`` and ``TEX`` lines.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.compose.dispatch import Dispatch, day
from gateway.compose.hprim_results import lab_block, result_losses
from gateway.compose.identity import french_birth, patient_number, social_security_number
from gateway.compose.latin import Latin1
from gateway.compose.mime import charset_of
from gateway.compose.text import one_line, visible, wrapped
from gateway.document import Document, Identifier, Patient

_TAG = re.compile(r"\*{3,}\s*(LAB|FIN|FINFICHIER)\s*\*{3,}", re.IGNORECASE)
_SEGMENT = re.compile(r"^(\s*(?:RES|TEX))\|")
_CITY = re.compile(r"(?:F-)?([0-9]{5})\s+(\S.*)")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,10}")
_CHARSET = re.compile(r"[a-z0-9][a-z0-9._-]{1,30}")
_WIDTH = 78


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record as bytes, and the characters that ISO-8859-1 could not say."""

    content: bytes = field(repr=False)
    replaced: frozenset[str] = field(repr=False, default=frozenset())


def can_be_written(document: Document) -> bool:
    """Name, first name and birth date are the least that readers file by; without them nothing is made up."""
    patient = document.patient
    return patient is not None and all((patient.family.strip(), patient.given.strip(), french_birth(patient)))


def write(dispatch: Dispatch, document: Document, text: list[str]) -> Record:
    """One record for one patient with ``text`` as its readable part; ``can_be_written`` must hold."""
    spell = Latin1()
    lines = [*_header(dispatch, document, spell), "", *_text(text, spell)]
    if any(result.value.strip() for result in document.results):
        lines += ["****LAB****", *lab_block(document.results, spell)]
    lines += ["****FIN****", "****FINFICHIER****", ""]
    return Record(content="\r\n".join(lines).encode("iso-8859-1"), replaced=frozenset(spell.lost))


def charset(document: Document, content: bytes) -> str:
    """What the reader found an original record to be; ISO-8859-1 is what we write."""
    if document.original.content is not content:
        return "iso-8859-1"
    found = document.original.media_type.partition("charset=")[2].strip(' "').lower()
    if not _CHARSET.fullmatch(found):
        found = charset_of(content)
    return "iso-8859-1" if found == "us-ascii" else found


def header_losses(document: Document) -> list[str]:
    """What the twelve lines have no place for (hprim.md §1.1), as words for the reader."""
    patient, stay = document.patient, document.stay
    if patient is None:
        return []
    lost = [f"sexe {patient.sex}"] if patient.sex else []
    lost += [f"nom utilisé {patient.used_family}"] if patient.used_family else []
    lost += [f"lieu de naissance {patient.birth_place}"] if patient.birth_place else []
    number = patient_number(document)
    if number is not None and not _CODE.fullmatch(number.value):
        lost.append(f"n° patient {number.value} (ligne 1 : {_code(number)})")
    if stay is not None and (stay.admitted_at or stay.discharged_at):
        lost.append("dates du séjour")
    if document.author is not None and (document.author.rpps or document.author.adeli):
        lost.append("numéro national de l'auteur")
    return lost


def losses(document: Document) -> list[str]:
    """Header and results together, one sentence each."""
    lost = header_losses(document)
    said = [f"HPRIM, sans place dans l'en-tête : {', '.join(lost)}"] if lost else []
    return said + [f"HPRIM : {loss}" for loss in result_losses(document.results)]


def _header(dispatch: Dispatch, document: Document, spell: Latin1) -> list[str]:
    patient, stay = document.patient, document.stay
    if patient is None:
        return []
    first, second, city = _address(patient)
    number = patient_number(document)
    about = document.written_at or document.validated_at or dispatch.about
    lines = (
        _code(number) if number else ".",  # never blank: leading blank lines get trimmed on the way
        patient.family.upper()[:50],
        patient.given[:50],
        first,
        second,
        city,
        french_birth(patient),
        social_security_number(patient),
        ((stay.file_number or stay.visit) if stay else None) or "",
        day(about),
        _party(_sender_code(document), dispatch.service),
        _party(".", dispatch.addressed.mailbox.partition("@")[0]),
    )
    return [_field(spell, line) for line in lines]


def _field(spell: Latin1, line: str) -> str:
    """One header line: the layout of lines 11 and 12 keeps its blanks; under 78 columns after spelling."""
    return _harmless(spell(visible(line).replace("\n", " ")))[:_WIDTH].rstrip()


def _harmless(line: str) -> str:
    """A line that cannot pass for a tag (§1.9, 5), wherever in the line a reader looks for one, or for a segment."""
    return _SEGMENT.sub(r"\1/", _TAG.sub(r"** \1 **", line))


def _address(patient: Patient) -> tuple[str, str, str]:
    """Lines 4, 5 and 6: the line that starts with a postcode is the city's, the others keep their order."""
    lines = [one_line(line) for line in patient.address if line.strip()]
    index = next((place for place, line in enumerate(lines) if _CITY.fullmatch(line)), -1)
    city = ""
    if index >= 0:
        found = _CITY.fullmatch(lines.pop(index))
        city = f"{found[1]} {found[2]}" if found else ""
    return (lines[0] if lines else "", ", ".join(lines[1:]), city)


def _code(number: Identifier) -> str:
    """Line 1, ``[A-Za-z0-9_-]{1,10}``: readers file by it, so a longer number becomes a digest, never a cut number.

    Two patients whose numbers share ten characters must not share a file; 45 bits of SHA-256 keep them apart.
    """
    value = number.value.strip()
    if _CODE.fullmatch(value):
        return value
    digest = sha256(f"{number.authority}|{value}".encode()).digest()
    return "H" + b32encode(digest).decode("ascii")[:9]


def _party(code: str, name: str) -> str:
    """Lines 11 and 12: code in columns 1 to 10, blank, name from column 12 (hprim.md §1.2)."""
    return f"{code[:10].ljust(10)} {one_line(name)}"


def _sender_code(document: Document) -> str:
    organisation = document.author.organisation_id if document.author else None
    value = organisation.value.strip() if organisation else ""
    return value if _CODE.fullmatch(value) else "."


def _text(lines: list[str], spell: Latin1) -> Iterator[str]:
    """The readable part: no line may pass for a tag or a segment, all are at most 78 columns wide."""
    for line in lines:
        shown = _harmless(spell(visible(line).replace("\n", " ")))
        yield from wrapped(shown, _WIDTH, hard=True)
