"""What ADT says of a patient himself (A28, A31 and any message without a stay, with PD1-12): it counts for all stays.

By national or hospital number; a name alone, or names with a birth date, never. Merges are followed anew each time, so
that a wrong one leaves nothing behind once the hospital says better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, bindparam, func, or_, select, text

from gateway.delays.identity import LOCAL, PatientKeys, leading_to, survivor
from gateway.delays.tables import WISH, clock, movement, stay
from gateway.prepared import Prepared, Row

_NUMBERS = ("ins_key", "ipp_key")
_LAST = func.coalesce(movement.c.evn_2, movement.c.at).desc(), movement.c.fingerprint.desc()
_THESE: BindParameter[str] = bindparam("these", expanding=True)

# SQLite takes a partial index for one side of an OR only where that side says the index's own condition.
_WORDS = or_(*(and_(text(WISH), movement.c[name].in_(_THESE)) for name in _NUMBERS))
_SAID = Prepared(select(movement).where(_WORDS).order_by(*_LAST))
_STAYS = Prepared(select(stay.c.key).where(or_(*(stay.c[name].in_(_THESE) for name in _NUMBERS))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The patient of a stay or a letter: as it has him, as he is after all merges, and the hospital that it names."""

    said: PatientKeys = field(repr=False)
    now: PatientKeys = field(repr=False)
    hospital: str

    @classmethod
    def letter(cls, row: Row) -> Self:
        """The patient of a row of ``clock``."""
        said = PatientKeys(ins_key=row["said_ins"], ipp_key=row["said_ipp"], traits_key=row["said_traits"])
        return cls(said=said, now=PatientKeys.of(row), hospital=row["hospital"])

    @property
    def numbers(self) -> frozenset[str]:
        """Every number of his."""
        return self.said.numbers | self.now.numbers


def said_of(connection: Connection, whose: Whose) -> Iterator[Row]:
    """Rows of ``movement`` that say of him whether he opposes the sending, the last word first."""
    if not whose.numbers:
        return
    for word in _SAID.rows(connection, these=sorted(leading_to(connection, whose.numbers))):
        if _is_about(connection, word, whose):
            yield word


def opposes(connection: Connection, whose: Whose) -> bool:
    """Whether his last word was that he opposes the sending."""
    last = next(said_of(connection, whose), None)
    return last is not None and last["protection"] == "Y"


def stays_of(connection: Connection, numbers: frozenset[str]) -> Sequence[str]:
    """Keys of the stays that bear one of these numbers."""
    return [row["key"] for row in _STAYS.rows(connection, these=sorted(numbers))] if numbers else []


def of_patient(numbers: Iterable[str]) -> ColumnElement[bool]:
    """The letters in ``clock`` that bear one of these numbers."""
    return or_(*(clock.c[name].in_(numbers) for name in _NUMBERS))


def _is_about(connection: Connection, word: Row, whose: Whose) -> bool:
    """Whether both bear one number, as they say or after all merges.

    Two hospitals may give one number under one name of an authority: across hospitals the traits must agree too.
    """
    said = PatientKeys.of(word)
    shared = said.number_shared(whose.said) or survivor(connection, said).number_shared(whose.now)
    if shared is None or not shared.startswith(LOCAL) or word["hospital"] == whose.hospital:
        return shared is not None
    return said.traits_key is not None and said.traits_key == whose.said.traits_key
