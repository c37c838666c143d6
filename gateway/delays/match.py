"""Which stay a letter is about: by visit number, by file number, else by identity and dates, else none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy import BindParameter, Connection, bindparam, or_, select

from gateway.delays.clock import legal_day
from gateway.delays.identity import PatientKeys, StayKeys
from gateway.delays.tables import stay
from gateway.prepared import Prepared, Row

_WRITTEN_WITHIN = timedelta(days=60)
"""A letter that states no date of the stay is looked for among stays that ended at most this long before it."""


_SEEN = [
    *(stay.c[name] for name in ("key", "visit_key", "file_key", "ins_key", "ipp_key", "traits_key", "hospital")),
    *(stay.c[name] for name in ("begun_at", "admitted_at", "discharged_at", "opposed_at")),
]
_NUMBERS: tuple[BindParameter[str], ...] = (bindparam("one"), bindparam("other"))
_BY_NUMBER = Prepared(select(*_SEEN).where(or_(stay.c.visit_key.in_(_NUMBERS), stay.c.file_key.in_(_NUMBERS))))
_PATIENT = ("ins_key", "ipp_key", "traits_key")
_BY_PATIENT = Prepared(
    select(*_SEEN).where(or_(*(stay.c[name] == bindparam(name) for name in _PATIENT)), ~stay.c.cancelled)
)
"""A key that is not known is NULL, which equals nothing."""


class Matched(StrEnum):
    """How a letter was tied to its stay."""

    VISIT = "visit"
    NDA = "nda"
    IDENTITY = "identity-and-date"
    LETTER = "letter-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a letter says about its stay."""

    stay: StayKeys
    patient: PatientKeys
    said: PatientKeys = field(default_factory=PatientKeys)
    """The patient as the letter itself has him, before any merge."""
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    written_at: datetime

    @classmethod
    def of(cls, row: Row) -> Self:
        """The claim as a row of ``clock`` keeps it."""
        return cls(
            stay=StayKeys(hospital=row["hospital"], visit_key=row["visit_key"], file_key=row["file_key"]),
            patient=PatientKeys.of(row),
            admitted_at=row["admitted_at"],
            discharged_at=row["discharged_at"],
            written_at=row["validated_at"] or row["received_at"],
        )

    @property
    def group(self) -> str | None:
        """What letters about the same unknown stay share: its number, else the patient and the day of discharge."""
        if self.stay.key:
            return self.stay.key
        if self.patient.strongest and self.discharged_at:
            return f"{self.stay.hospital}/{self.patient.strongest}/{legal_day(self.discharged_at)}"
        return None


def find_stay(connection: Connection, claim: Claim) -> tuple[Row | None, Matched]:
    """The one stay that ``claim`` is about, and by what; several candidates are none (identity is never guessed)."""
    mine = [row for row in _numbered(connection, claim.stay.numbers) if _may_be(claim, row)]
    visits = [row for row in mine if row["visit_key"] in claim.stay.numbers]
    if found := _only(visits, claim):
        return found, Matched.VISIT
    if found := _only(mine, claim):
        return found, Matched.NDA
    if found := _only([row for row in _of_patient(connection, claim) if _dates_agree(claim, row)], claim):
        return found, Matched.IDENTITY
    return None, Matched.LETTER


def _numbered(connection: Connection, numbers: Sequence[str]) -> list[Row]:
    if not numbers:
        return []
    return list(_BY_NUMBER.rows(connection, one=numbers[0], other=numbers[-1]))


def _may_be(claim: Claim, row: Row) -> bool:
    """A number proves the stay in its own hospital, or anywhere for the same patient; never against two other INS.

    Names that differ do not disprove it: a used name, an accent or a typing error is no other patient.
    """
    patient = PatientKeys.of(row)
    if claim.patient.ins_key and patient.ins_key:
        return claim.patient.ins_key == patient.ins_key
    return row["hospital"] == claim.stay.hospital or claim.patient.same_as(patient) is True


def _of_patient(connection: Connection, claim: Claim) -> list[Row]:
    if claim.patient.strongest is None:
        return []
    rows = _BY_PATIENT.rows(connection, **claim.patient.values())
    return [row for row in rows if claim.patient.same_as(PatientKeys.of(row))]


def _only(rows: list[Row], claim: Claim) -> Row | None:
    """The one there is; among several, the only one whose dates agree, then the only one of the same hospital."""
    rows = list({row["key"]: row for row in rows}.values())
    if len(rows) > 1:
        rows = [row for row in rows if _dates_agree(claim, row)] or rows
    if len(rows) > 1:
        rows = [row for row in rows if row["hospital"] == claim.stay.hospital]
    return rows[0] if len(rows) == 1 else None


def _dates_agree(claim: Claim, row: Row) -> bool:
    """Same day of discharge, else same day of admission, else written during the stay or soon after it.

    The last does not do for a letter that states another number of the same hospital.
    """
    told = ((claim.discharged_at, row["discharged_at"]), (claim.admitted_at, row["admitted_at"]))
    for ours, theirs in told:
        if ours and theirs:
            return legal_day(ours) == legal_day(theirs)
    if row["hospital"] == claim.stay.hospital and claim.stay.numbers and not _shares_number(claim, row):
        return False
    ended = row["discharged_at"]
    begun = row["admitted_at"] or row["begun_at"]
    if begun and legal_day(claim.written_at) < legal_day(begun):
        return False
    return ended is None or claim.written_at <= ended + _WRITTEN_WITHIN


def _shares_number(claim: Claim, row: Row) -> bool:
    return not {row["visit_key"], row["file_key"]}.isdisjoint(claim.stay.numbers)
