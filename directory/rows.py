"""One line of a national file to one row of ours, or the reason why not; pure."""

from __future__ import annotations

import re
from zlib import adler32, crc32

from directory.fold import domain_of, fold_mailbox, is_mailbox, structure_number, town

_KINDS = frozenset({"PER", "ORG", "APP", "CAB"})
_PERSONAL = frozenset({"PER", "CAB"})
_NATIONAL = re.compile(r"8[0-9]{11}|0(?:[0-9]{2}|2[AB])[0-9]{7}|[1-9][0-9A-Z/]{5,29}")
_DEMATERIALISED = {"O": 1, "OUI": 1, "1": 1, "TRUE": 1, "Y": 1, "N": 0, "NON": 0, "0": 0, "FALSE": 0}

SqlRow = tuple[int | str | None, ...]


class RejectedRow(Exception):
    """This line is not taken; the import goes on. ``code`` is stable, ``str`` says what and why."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


def mailbox_row(line: bytes, values: tuple[str, ...]) -> SqlRow:
    """A row of table ``mailbox`` from the columns of ``layout.MAILBOX_COLUMNS``; raises :class:`RejectedRow`."""
    (
        kind, address, person, number, identified, structure, service, civility, family, given, profession, skill,
        accepts, name, sign, house, way, road, line6, postcode, _, _,
    ) = values  # fmt: skip
    if kind not in _KINDS:
        raise RejectedRow("unknown-kind", "column 1: neither PER, ORG, APP nor CAB")
    address = address.strip()
    if not is_mailbox(address):
        raise RejectedRow("bad-address", "column 2: not a mail address")
    national = national_id(person, number, identified)
    if kind in _PERSONAL and not national:
        raise RejectedRow("no-owner", "column 5: a personal mailbox without national identification")
    folded, structure = fold_mailbox(address), structure and structure_number(structure)
    street = f"{house} {way} {road}".strip()
    return (
        _hash(f"{kind}|{folded}|{national}|{structure}|{service}|{skill}".encode()), _hash(line),
        kind, address, folded, domain_of(folded), national or None, structure, service,
        civility, family, given, profession, skill, _DEMATERIALISED.get(accepts.strip().upper()),
        name or sign, street, postcode, town(line6, postcode),
    )  # fmt: skip


def activity_row(line: bytes, values: tuple[str, ...]) -> SqlRow:
    """A row of table ``activity`` from the columns of ``layout.ACTIVITY_COLUMNS``; raises :class:`RejectedRow`."""
    # Named one by one: slices and stars take twice the time, two million times.
    (
        kind, number, identified, civility, family, given, profession, skill, mode, siret, finess, technical,
        name, sign, house, way, road, postcode, city, role, _, _, phone, entity,
    ) = values  # fmt: skip
    national = national_id(kind, number, identified)
    if not national:
        raise RejectedRow("no-owner", "column 3: an activity without national identification")
    siret, finess = siret and structure_number(siret), finess and structure_number(finess)
    entity = entity and structure_number(entity)
    key = f"{national}|{profession}|{skill}|{mode}|{siret}|{finess}|{technical}|{role}"
    street = f"{house} {way} {road}".strip()
    return (
        _hash(key.encode()), _hash(line), national, civility, family, given, profession, skill, mode,
        siret, finess, technical, entity, phone, name or sign, street, postcode, city.upper(),
    )  # fmt: skip


def national_id(kind: str, number: str, national: str) -> str:
    """The IDNPS of a line, built from kind and number when its own column is empty; empty when there is none.

    Raises :class:`RejectedRow` when the columns contradict each other: such a line could send to the wrong person.
    """
    if kind == "8" and national == kind + number and len(number) == 11 and number.isascii() and number.isdigit():
        return national  # nearly all of them, in a tenth of the time
    kind, number, national = kind.strip(), number.strip(), national.strip()
    if not national:
        national = kind + number if number else ""
    elif number and national != kind + number and national != number:
        raise RejectedRow("identifier-mismatch", "columns 3 to 5: two different numbers for one person")
    if national and not _NATIONAL.fullmatch(national):
        raise RejectedRow("bad-number", "column 5: not a national identification")
    return national


def _hash(text: bytes) -> int:
    """63 bits of two sums, six times faster than a digest: enough to count what differs between two days of a file."""
    return crc32(text) << 31 | adler32(text) & 0x7FFFFFFF
