"""Pseudonyms of a patient and of a stay's numbers: what two messages can be compared by without a name in the table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, or_, select, text

from gateway.delays.tables import MERGE, movement
from gateway.document import Identifier, Patient, Stay
from gateway.prepared import Prepared, Row

Pseudonym = Callable[[str, str], str]
"""``pseudonym(domain, value)``: a keyed hash, the same for the same pair, made by the caller."""

LOCAL = "local-"
"""Begins the pseudonym of a hospital number whose authority is a mere name (``IPP``), which two hospitals may share."""
_UNIVERSAL = re.compile(r"[0-2](?:\.\d+)+|[0-9][0-9AB]\d{7}")
"""An OID, or a FINESS number of a legal or geographic entity."""
_MERGE_CHAIN = 8
"""More merges of merges than this is a loop in what was sent."""

_MERGES = Prepared(
    select(*(movement.c[name] for name in ("prior_key", "ins_key", "ipp_key", "traits_key")))
    .where(movement.c.prior_key.in_((bindparam("ipp"), bindparam("ins"))))
    .order_by(func.coalesce(movement.c.evn_2, movement.c.at).desc(), movement.c.fingerprint)
    .limit(1)
)

_THESE: BindParameter[str] = bindparam("these", expanding=True)
# SQLite takes a partial index for one side of an OR only where that side says the index's own condition.
_MERGED = (and_(text(MERGE), movement.c[name].in_(_THESE)) for name in ("ins_key", "ipp_key"))
_FROM = Prepared(select(movement.c.prior_key).where(or_(*_MERGED)))
_INTO = select(*(movement.c[name] for name in ("ins_key", "ipp_key", "traits_key"))).where(
    movement.c.prior_key == bindparam("prior")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientKeys:
    """One patient by national number, by the hospital's number and by traits; any of them may be unknown."""

    ins_key: str | None = None
    ipp_key: str | None = None
    traits_key: str | None = None

    @classmethod
    def of(cls, row: Row) -> Self:
        """The keys as a row of ``stay``, ``clock`` or ``movement`` keeps them."""
        return cls(ins_key=row["ins_key"], ipp_key=row["ipp_key"], traits_key=row["traits_key"])

    @property
    def strongest(self) -> str | None:
        """The one that says most."""
        return self.ins_key or self.ipp_key or self.traits_key

    @property
    def numbers(self) -> frozenset[str]:
        """Those that are numbers: names prove nobody."""
        return frozenset(key for key in (self.ins_key, self.ipp_key) if key)

    def values(self) -> dict[str, str | None]:
        """As columns."""
        return {"ins_key": self.ins_key, "ipp_key": self.ipp_key, "traits_key": self.traits_key}

    def same_as(self, other: Self) -> bool | None:
        """Whether both are one patient; ``None`` when nothing can be compared.

        Two INS decide alone. Two hospital numbers that differ do not part: one authority is spelt in several ways.
        """
        if self.ins_key and other.ins_key:
            return self.ins_key == other.ins_key
        if self.ipp_key and self.ipp_key == other.ipp_key:
            return True
        if self.traits_key and other.traits_key:
            return self.traits_key == other.traits_key
        return None

    def number_shared(self, other: Self) -> str | None:
        """The number that makes both one patient; two INS decide alone."""
        if self.ins_key and other.ins_key:
            return self.ins_key if self.ins_key == other.ins_key else None
        return self.ipp_key if self.ipp_key == other.ipp_key else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StayKeys:
    """The numbers of a stay: visit (PV1-19) and administrative file (PID-18, NDA)."""

    hospital: str
    visit_key: str | None = None
    file_key: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """Those that are known; one number is hashed alike in both places, because HPRIM has one line for either."""
        return tuple(key for key in (self.visit_key, self.file_key) if key)

    @property
    def key(self) -> str | None:
        """The key of the stay in its hospital; the file number stands in for a visit number that is not sent."""
        number = self.visit_key or self.file_key
        return f"{self.hospital}/{number}" if number else None


def patient_keys(patient: Patient | None, hospital: str, pseudonym: Pseudonym) -> PatientKeys:
    """Pseudonyms of ``patient``; a hospital number without authority belongs to ``hospital``."""
    if patient is None:
        return PatientKeys()
    ins = next((i.value for i in patient.identifiers if i.type.startswith("INS")), None)
    ipp = next((i for i in patient.identifiers if i.type == "PI"), None)
    traits = _traits(patient)
    return PatientKeys(
        ins_key=pseudonym("ins", "".join(filter(str.isalnum, ins.upper()))[:13]) if ins else None,
        ipp_key=_ipp_key(ipp, hospital, pseudonym) if ipp and ipp.value else None,
        traits_key=pseudonym("traits", traits) if traits else None,
    )


def _ipp_key(ipp: Identifier, hospital: str, pseudonym: Pseudonym) -> str:
    authority = ipp.authority or hospital
    key = pseudonym("ipp", f"{authority}|{ipp.value}")
    return key if _UNIVERSAL.fullmatch(authority) else LOCAL + key


def birth_key(patient: Patient | None, pseudonym: Pseudonym) -> str | None:
    """A pseudonym of the birth date: what must be known besides a hospital number to be shown a patient's letters."""
    born = patient.birth_date.strip() if patient else ""
    return pseudonym("birth", born) if born else None


def stay_keys(stay: Stay | None, source: str, pseudonym: Pseudonym) -> StayKeys:
    """Pseudonyms of the stay's numbers; the hospital is the one named, else the source that hands over."""
    hospital = (stay.hospital if stay else None) or source
    return StayKeys(
        hospital=hospital,
        visit_key=pseudonym("stay", stay.visit) if stay and stay.visit else None,
        file_key=pseudonym("stay", stay.file_number) if stay and stay.file_number else None,
    )


def merged_with(connection: Connection, prior_key: str) -> set[str]:
    """All numbers that ``prior_key`` leads or ever led to: a later merge of a patient overrules an earlier one."""
    found = {prior_key}
    for into in connection.execute(_INTO, {"prior": prior_key}).mappings():
        keys: PatientKeys | None = PatientKeys.of(into)
        for _ in range(_MERGE_CHAIN + 1):
            if keys is None:
                break
            found |= {key for key in (keys.ins_key, keys.ipp_key) if key}
            keys = _merged_into(connection, keys)
    return found


def leading_to(connection: Connection, numbers: Iterable[str]) -> set[str]:
    """These numbers and all that were ever merged into them, whether or not that was overruled since."""
    found = set(numbers)
    asked = found
    for _ in range(_MERGE_CHAIN):
        asked = {row["prior_key"] for row in _FROM.rows(connection, these=sorted(asked))} - found
        if not asked:
            break
        found |= asked
    return found


def survivor(connection: Connection, keys: PatientKeys) -> PatientKeys:
    """The patient that ``keys`` were merged into (A40) or renumbered to (A47), as far as we have heard."""
    for _ in range(_MERGE_CHAIN):
        merged = _merged_into(connection, keys)
        if merged is None:
            break
        keys = merged
    return keys


def _merged_into(connection: Connection, keys: PatientKeys) -> PatientKeys | None:
    prior = {"ipp": keys.ipp_key, "ins": keys.ins_key}
    row = next(_MERGES.rows(connection, **prior), None) if any(prior.values()) else None
    if row is None:
        return None
    into = PatientKeys.of(row)
    return replace(
        keys,
        ins_key=into.ins_key or (None if keys.ins_key == row["prior_key"] else keys.ins_key),
        ipp_key=into.ipp_key or (None if keys.ipp_key == row["prior_key"] else keys.ipp_key),
        traits_key=into.traits_key or keys.traits_key,
    )


def _traits(patient: Patient) -> str | None:
    """Family name, first given name and birth date without accents, case or punctuation; all three or nothing."""
    given = patient.given.replace(",", " ").split()
    parts = (_letters(patient.family), _letters(given[0]) if given else "", patient.birth_date.strip())
    return "|".join(parts) if all(parts) else None


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(filter(str.isalnum, plain))
