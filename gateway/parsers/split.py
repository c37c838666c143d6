"""One mail per patient, and never to somebody who was named for another document (hprim.md §1.6)."""

from __future__ import annotations

import re
import unicodedata

from gateway.document import Document, NamedAddressee, Patient, Reading


def split_by_patient(reading: Reading) -> tuple[tuple[Document, ...], ...]:
    """The documents grouped by patient, in the order sent; one without a stated patient stands alone.

    Documents of one patient that name different addressees stay apart: a copy of one order is not a right to all.
    """
    groups: list[list[Document]] = []
    for document in reading.documents:
        group = next((group for group in groups if all(_together(document, other) for other in group)), None)
        if group is None:
            groups.append([document])
        else:
            group.append(document)
    return tuple(tuple(group) for group in groups)


def same_patient(one: Patient | None, other: Patient | None) -> bool:
    """Whether two documents are surely about the same person: same strict traits, and no number that contradicts.

    A number contradicts another of the same kind from the same authority. In doubt they are two persons: the price
    of that error is a mail too many. Nobody stated is never the same as nobody stated.
    """
    if one is None or other is None or _traits(one) != _traits(other):
        return False
    if one.sex and other.sex and one.sex != other.sex:
        return False
    numbers = {(number.type, number.authority): number.value for number in one.identifiers}
    theirs = {(number.type, number.authority): number.value for number in other.identifiers}
    return all(numbers[kind] == theirs[kind] for kind in numbers.keys() & theirs.keys())


def _together(one: Document, other: Document) -> bool:
    return same_patient(one.patient, other.patient) and _named(one) == _named(other)


def _traits(patient: Patient) -> tuple[str, str, str]:
    return folded(patient.family), folded(patient.given), patient.birth_date


def folded(name: str) -> str:
    """Letters alone, without case, accents, hyphens: as the identity rules of the INS compare names."""
    bare = unicodedata.normalize("NFD", name.upper())
    return re.sub(r"[\W_]+", " ", "".join(sign for sign in bare if not unicodedata.combining(sign))).strip()


def _named(document: Document) -> frozenset[tuple[object, ...]]:
    return frozenset(_who(addressee) for addressee in document.addressees)


def _who(addressee: NamedAddressee) -> tuple[object, ...]:
    return (addressee.rpps, addressee.adeli, addressee.mailbox, addressee.local_code, addressee.family, addressee.given)
