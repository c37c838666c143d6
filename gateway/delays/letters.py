"""Ties letters to stays, and again when a movement tells more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, or_, select, true, update

from gateway.delays.clock import plausible
from gateway.delays.identity import PatientKeys, Pseudonym, birth_key, patient_keys, stay_keys, survivor
from gateway.delays.match import Claim, Matched, find_stay
from gateway.delays.project import stay_now
from gateway.delays.settle import settle
from gateway.delays.statements import insert_new
from gateway.delays.tables import clock, stay
from gateway.delays.wishes import Whose, opposes
from gateway.document import Patient, Role, Stay
from gateway.identifiers import DeliveryId, LetterId
from gateway.prepared import Prepared, Row

LETTER_KINDS = frozenset({"11490-0", "34112-3", "34133-9", "15507-7", "60280-5"})
"""JDV_J07: discharge letter, hospital report, episode summary, emergency report and form. A lab result or an imaging
report that names the stay does not answer for its discharge letter; a letter of unknown kind does."""
_AT_ONCE = 500
"""Letters in one statement: a database takes so many values in it, and no more."""
_PATIENT = ("ins_key", "ipp_key", "traits_key")
_NUMBERS = ("visit_key", "file_key")
_ABOUT = (*_PATIENT, *_NUMBERS)


def _asked(*names: str) -> tuple[BindParameter[str], ...]:
    return tuple(bindparam(f"{name}_{when}") for name in names for when in ("now", "then"))


_NEAR = Prepared(
    select(clock).where(
        or_(
            *(clock.c[name].in_(_asked(name)) for name in _PATIENT),
            *(clock.c[name].in_(_asked(*_NUMBERS)) for name in _NUMBERS),
            *(clock.c[name] == bindparam("this_key") for name in ("group_key", "stay_key")),
        )
    )
)
"""Letters that may be about a stay; what is not known of it is NULL, which equals nothing."""


def _written(*names: str) -> Prepared:
    new: dict[str, BindParameter[str]] = {name: bindparam(f"new_{name}") for name in names}
    return Prepared(update(clock).where(clock.c.letter_id == bindparam("this_letter")).values(new))


def _write(connection: Connection, statement: Prepared, letter_id: str, new: Mapping[str, object]) -> None:
    told = {f"new_{name}": value for name, value in new.items()}
    statement.many(connection, [{"this_letter": letter_id, **told}])


_REKEY, _RETIE = _written(*_PATIENT), _written("stay_key", "matched", "group_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedLetter:
    """One letter about one patient as the clock needs it; one role per delivery."""

    id: LetterId
    source: str
    received_at: datetime
    deliveries: tuple[tuple[DeliveryId, Role], ...]
    kind: str | None = None
    patient: Patient | None = field(repr=False, default=None)
    stay: Stay | None = None
    validated_at: datetime | None = None
    is_result: bool = False
    """A report of laboratory results: it answers for no discharge letter, and has a clock of its own."""
    is_partial: bool = False
    """A final one is to follow."""
    is_urgent: bool = False
    """Its sender marked it so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Which stay a letter was tied to and by what; ``stay_key`` is a pseudonym, ``None`` when none was found."""

    letter_id: str
    stay_key: str | None
    matched: Matched
    discharged_at: datetime | None = None
    """The stay's discharge, else the one that the letter states."""
    opposed: bool = False
    """Whether the patient opposes the sending: of that stay, or of all where none was found."""
    rows: tuple[Row, ...] = field(repr=False, default=(), compare=False)
    """What was kept of the letter, when it was just tied: a row of ``clock`` for each delivery."""


def tie_letter(connection: Connection, letter: TimedLetter, *, pseudonym: Pseudonym) -> Tie:
    """Start the clock of each delivery of ``letter`` and tie it to its stay, in the caller's transaction.

    Said twice it changes nothing; said again with more deliveries (a substitute, a second try) it adds those.
    A letter without deliveries leaves no trace here, so give a held addressee its delivery too.
    """
    (tie,) = tie_letters(connection, [letter], pseudonym=pseudonym)
    return tie


def tie_letters(connection: Connection, letters: Iterable[TimedLetter], *, pseudonym: Pseudonym) -> list[Tie]:
    """:func:`tie_letter` for many, in half the time of one by one."""
    ties: list[Tie] = []
    touched: list[str] = []
    for letter in letters:
        claim = _claim(connection, letter, pseudonym)
        found, matched = find_stay(connection, claim)
        key = str(found["key"]) if found else None
        group = _group(letter.id, key, claim, is_result=letter.is_result)
        said = _said(letter, claim) | {
            "birth_key": birth_key(letter.patient, pseudonym),
            "group_key": group,
            "stay_key": key,
            "matched": matched.value,
        }
        rows = [said | {"delivery_id": delivery, "role": role.value} for delivery, role in letter.deliveries]
        if insert_new(connection, clock, rows):
            touched.append(group)
        left = found["discharged_at"] if found else claim.discharged_at
        whose = Whose(said=claim.said, now=claim.patient, hospital=claim.stay.hospital)
        opposed = bool(found["opposed_at"]) if found else opposes(connection, whose)
        ties.append(
            Tie(
                letter_id=letter.id,
                stay_key=key,
                matched=matched,
                discharged_at=left,
                opposed=opposed,
                rows=tuple(rows),
            )
        )
    settle(connection, touched)
    return ties


def tie_of(connection: Connection, letter_id: str) -> Tie | None:
    """How ``letter_id`` is tied now; ``None`` when the clock never heard of it."""
    joined = clock.outerjoin(stay, stay.c.key == clock.c.stay_key)
    columns = (clock.c.stay_key, clock.c.matched, clock.c.discharged_at, stay.c.discharged_at.label("left"))
    row = connection.execute(select(*columns).select_from(joined).where(clock.c.letter_id == letter_id)).first()
    if row is None:
        return None
    left = row.left if row.stay_key else row.discharged_at
    return Tie(letter_id=letter_id, stay_key=row.stay_key, matched=Matched(row.matched), discharged_at=left)


def retie(connection: Connection, key: str, before: Row) -> tuple[str, ...]:
    """Look again for the stay of every letter that may be about stay ``key``, as it is now or was ``before``.

    Gives the ids of those that changed. What was its patient's before may be another stay's now: one in doubt less.
    """
    now = stay_now(connection, key)
    told = {f"{name}_{when}": row[name] for when, row in (("now", now), ("then", before)) for name in _ABOUT}
    return _look_again(connection, list(_NEAR.rows(connection, this_key=key, **told)))


def retie_all(connection: Connection) -> None:
    """Look again for the stay of every letter, under the keys of the patient it belongs to now."""
    rekey_letters(connection, true())


def rekey_letters(connection: Connection, which: ColumnElement[bool]) -> None:
    """Give letters the keys of the patient whom theirs was merged into by now, then look for their stays again."""
    letters = connection.execute(select(clock.c.letter_id).distinct().where(which)).scalars().all()
    for first in range(0, len(letters), _AT_ONCE):
        these = clock.c.letter_id.in_(letters[first : first + _AT_ONCE])
        for row in connection.execute(select(clock).where(these)).mappings().all():
            said = PatientKeys(ins_key=row["said_ins"], ipp_key=row["said_ipp"], traits_key=row["said_traits"])
            _write(connection, _REKEY, row["letter_id"], survivor(connection, said).values())
        _look_again(connection, connection.execute(select(clock).where(these)).mappings().all())


def _claim(connection: Connection, letter: TimedLetter, pseudonym: Pseudonym) -> Claim:
    numbers = stay_keys(letter.stay, letter.source, pseudonym)
    said = patient_keys(letter.patient, numbers.hospital, pseudonym)
    return Claim(
        stay=numbers,
        patient=survivor(connection, said),
        said=said,
        admitted_at=plausible(letter.stay.admitted_at) if letter.stay else None,
        discharged_at=plausible(letter.stay.discharged_at) if letter.stay else None,
        written_at=plausible(letter.validated_at) or letter.received_at,
    )


def _said(letter: TimedLetter, claim: Claim) -> dict[str, object]:
    """What the letter itself says, as columns."""
    return {
        "letter_id": letter.id,
        "counts": not letter.is_result and (letter.kind is None or letter.kind in LETTER_KINDS),
        "result": letter.is_result,
        "partial": letter.is_partial,
        "urgent": letter.is_urgent,
        "kind": letter.kind,
        "hospital": claim.stay.hospital,
        "unit": letter.stay.unit if letter.stay else None,
        "visit_key": claim.stay.visit_key,
        "file_key": claim.stay.file_key,
        **claim.patient.values(),
        "said_ins": claim.said.ins_key,
        "said_ipp": claim.said.ipp_key,
        "said_traits": claim.said.traits_key,
        "admitted_at": claim.admitted_at,
        "discharged_at": claim.discharged_at,
        "validated_at": plausible(letter.validated_at),
        "received_at": letter.received_at,
        "state": "none",
    }


def _look_again(connection: Connection, rows: Sequence[Row]) -> tuple[str, ...]:
    changed: list[str] = []
    touched: set[str] = set()
    for letter_id, row in {row["letter_id"]: row for row in rows}.items():
        new = _tie_values(connection, letter_id, row)
        if any(row[name] != value for name, value in new.items()):
            _write(connection, _RETIE, letter_id, new)
            touched |= {row["group_key"], str(new["group_key"])}
            changed.append(letter_id)
    settle(connection, touched)
    return tuple(sorted(changed))


def _tie_values(connection: Connection, letter_id: str, row: Row) -> dict[str, object]:
    claim = Claim.of(row)
    found, matched = find_stay(connection, claim)
    key = str(found["key"]) if found else None
    return {
        "stay_key": key,
        "matched": matched.value,
        "group_key": _group(letter_id, key, claim, is_result=row["result"]),
    }


def _group(letter_id: str, stay_key: str | None, claim: Claim, *, is_result: bool) -> str:
    """What has one clock: the letters about a stay, known or not; each report of results by itself."""
    if is_result:
        return f"result/{letter_id}"
    return stay_key or claim.group or f"letter/{letter_id}"
