"""The identifiers of the field, as types of their own, and the only places where text becomes one.

Checks here never guess: a number that does not have the form is ``None``, a number whose key is wrong is
still a number (the official samples have wrong keys), and :func:`luhn_is_right` tells which it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NewType

from stdnum import luhn
from stdnum.fr import nir
from stdnum.fr import siret as french_siret
from ulid import ULID

LetterId = NewType("LetterId", str)
"""ULID of a letter as it was handed in; ``<ULID>-2`` for the second patient's letter of the same file."""

DeliveryId = NewType("DeliveryId", str)
"""ULID of one letter on its way to one addressee."""

Rpps = NewType("Rpps", str)
"""Répertoire partagé des professionnels de santé: 11 digits, without the leading 8 of the IDNPS."""

Adeli = NewType("Adeli", str)
"""Older national number of a professional: 9 characters, Corsica with 2A or 2B."""

Idnps = NewType("Idnps", str)
"""National number of a professional, whichever he has: ``8`` and his RPPS, ``0`` and his ADELI number."""

Finess = NewType("Finess", str)
"""Place or legal entity of the health register: 9 characters, the department first, Corsica with 2A or 2B."""

Siret = NewType("Siret", str)
"""Establishment of a company: 14 digits, the first nine its SIREN."""

INS_NIR, INS_NIA = "1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9"
REAL_INS = frozenset({INS_NIR, INS_NIA})
"""OIDs of INS that living people bear (DTFR)."""
TEST_INS = frozenset({"1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11"})
"""OIDs of INS for tests and demonstrations: the two worlds never mix (design.md, decision 16)."""
INS_OIDS = REAL_INS | TEST_INS

_RPPS = re.compile(r"8?([0-9]{11})")
_ADELI = re.compile(r"0?((?:[0-9]{2}|2[AB])[0-9]{7})")
_FINESS = re.compile(r"1?((?:[0-9][0-9A-F]|2[AB])[0-9]{7})")
_SIRET = re.compile(r"3?([0-9]{14})")
_MATRICULE = re.compile(r"[0-9]{5}(?:[0-9]{2}|2[AB])[0-9]{6}")


def new_letter_id() -> LetterId:
    """A new id; ids sort by the moment they were made."""
    return LetterId(str(ULID()))


def new_delivery_id() -> DeliveryId:
    """A new id; ids sort by the moment they were made."""
    return DeliveryId(str(ULID()))


def part_of(letter: LetterId, number: int) -> LetterId:
    """The id of the ``number``-th patient's letter of a file that held several."""
    return LetterId(f"{letter}-{number}")


def whole_of(letter: LetterId) -> LetterId:
    """The id under which the bytes were kept; itself unless the letter is a part."""
    return LetterId(letter.partition("-")[0])


def rpps(text: str) -> Rpps | None:
    """The RPPS in ``text``: 11 digits, or an IDNPS of ``8`` and 11 digits (CI-SIS, XCN-1)."""
    found = _RPPS.fullmatch(text.strip())
    return Rpps(found[1]) if found else None


def adeli(text: str) -> Adeli | None:
    """The ADELI number in ``text``: 9 characters, or an IDNPS of ``0`` and 9 characters."""
    found = _ADELI.fullmatch(text.strip().upper())
    return Adeli(found[1]) if found else None


def idnps(number: Rpps | Adeli) -> Idnps:
    """The number as CDA, XDM and the national directory write it, behind the digit of its kind (CI-SIS, XCN-1)."""
    return Idnps(f"{8 if len(number) == 11 else 0}{number}")


def finess(text: str) -> Finess | None:
    """The FINESS number in ``text``: 9 characters, or an IDNST of ``1`` and 9 characters (CI-SIS, XON-10)."""
    found = _FINESS.fullmatch(_written(text))
    return Finess(found[1]) if found else None


def siret(text: str) -> Siret | None:
    """The SIRET number in ``text``: 14 digits, or an IDNST of ``3`` and 14 digits."""
    found = _SIRET.fullmatch(_written(text))
    return Siret(found[1]) if found else None


def structure(text: str) -> Finess | Siret | None:
    """The number of a place whichever it is; a SIREN has the form of a FINESS and must be known by its type."""
    return finess(text) or siret(text)


def luhn_is_right(digits: str) -> bool:
    """Whether the last digit is the Luhn key of the others (RPPS)."""
    return digits.isdigit() and luhn.is_valid(digits)


def structure_key_is_right(number: Finess | Siret) -> bool | None:
    """Whether a place's number ends with its key; ``None`` where letters stand in it, whose key nobody publishes."""
    if not number.isdigit():
        return None
    return french_siret.is_valid(number) if len(number) == 14 else luhn.is_valid(number)


def ins_key(matricule: str) -> int | None:
    """The two-digit key of a 13-character NIR or NIA: ``97 - N mod 97``, Corsica 2A as 19 and 2B as 18."""
    found = _MATRICULE.fullmatch(matricule.upper())
    return int(nir.calc_check_digits(found[0])) if found else None


def ins_is_right(text: str) -> bool:
    """Whether 15 characters are a matricule followed by its own key."""
    key = ins_key(text[:13])
    return len(text) == 15 and text[13:].isdigit() and key == int(text[13:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ins:
    """A national health identity: matricule with its key, and the OID that says of which world it is (RNIV, DTFR)."""

    number: str = field(repr=False)
    oid: str

    @property
    def is_real(self) -> bool:
        """Whether a living person bears it: such a one has no place in test."""
        return self.oid in REAL_INS

    @property
    def key_is_right(self) -> bool:
        """Whether the key fits; numbers of the official samples do not, so it must be asked."""
        return ins_is_right(self.number)


def ins(number: str, oid: str) -> Ins | None:
    """The INS of that OID; ``None`` for an OID that is none of an INS, and for what has not its form."""
    number = _written(number)
    formed = oid in INS_OIDS and len(number) == 15 and number[13:].isdigit() and _MATRICULE.fullmatch(number[:13])
    return Ins(number=number, oid=oid) if formed else None


def _written(text: str) -> str:
    return text.strip().upper().replace(" ", "")
