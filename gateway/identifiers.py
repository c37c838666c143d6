"""The identifiers of the field, as types of their own, and the only places where text becomes one.

Checks here never guess: a number that does not have the form is ``None``, a number whose key is wrong is
still a number (the official samples have wrong keys), and :func:`luhn_is_right` tells which it is.
"""

from __future__ import annotations

import re
from typing import NewType

from stdnum import luhn
from ulid import ULID

LetterId = NewType("LetterId", str)
"""ULID of a letter as it was handed in; ``<ULID>-2`` for the second patient's letter of the same file."""

DeliveryId = NewType("DeliveryId", str)
"""ULID of one letter on its way to one addressee."""

Rpps = NewType("Rpps", str)
"""Répertoire partagé des professionnels de santé: 11 digits, without the leading 8 of the IDNPS."""

Adeli = NewType("Adeli", str)
"""Older national number of a professional: 9 characters, Corsica with 2A or 2B."""

_RPPS = re.compile(r"8?([0-9]{11})")
_ADELI = re.compile(r"0?((?:[0-9]{2}|2[AB])[0-9]{7})")


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


def luhn_is_right(digits: str) -> bool:
    """Whether the last digit is the Luhn key of the others (RPPS, FINESS, SIRET)."""
    return digits.isdigit() and luhn.is_valid(digits)


def ins_key(matricule: str) -> int | None:
    """The two-digit key of a 13-character NIR or NIA: ``97 - N mod 97``, Corsica 2A as 19 and 2B as 18."""
    digits = matricule.upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97 if len(matricule) == 13 and digits.isdigit() else None


def ins_is_right(text: str) -> bool:
    """Whether 15 characters are a matricule followed by its own key."""
    key = ins_key(text[:13])
    return len(text) == 15 and text[13:].isdigit() and key == int(text[13:])
