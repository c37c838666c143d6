"""What ADT says of a patient outside any stay (A28 and A31 with PD1-12): it counts for every stay of his.

By national or hospital number; a name alone, or names with a birth date, never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from sqlalchemy import BindParameter, ColumnElement, Connection, and_, bindparam, func, or_, select

from gateway.delays.identity import PatientKeys
from gateway.delays.statements import insert_new
from gateway.delays.tables import clock, movement, stay
from gateway.prepared import Prepared, Row

_NUMBERS = ("ins_key", "ipp_key")
_WORDS = and_(movement.c.stay_key.is_(None), movement.c.protection.is_not(None))
_LAST = func.coalesce(movement.c.evn_2, movement.c.at).desc(), movement.c.fingerprint.desc()


def _any(name: str) -> tuple[BindParameter[str], ...]:
    return bindparam(f"{name}_said"), bindparam(f"{name}_now")


_SAID = Prepared(
    select(movement).where(_WORDS, or_(*(movement.c[name].in_(_any(name)) for name in _NUMBERS))).order_by(*_LAST)
)
_STAYS = Prepared(select(stay.c.key).where(or_(*(stay.c[name].in_(_any(name)) for name in _NUMBERS))))


def said_of(connection: Connection, said: PatientKeys, now: PatientKeys) -> list[Row]:
    """Rows of ``movement``, the last word first; ``now`` is the patient whom ``said`` was merged into, or himself."""
    asked = _asked(said, now)
    return list(_SAID.rows(connection, **asked)) if any(asked.values()) else []


def opposes(connection: Connection, said: PatientKeys, now: PatientKeys) -> bool:
    """Whether his last word was that he opposes the sending."""
    return any(row["protection"] == "Y" for row in said_of(connection, said, now)[:1])


def stays_of(connection: Connection, said: PatientKeys, now: PatientKeys) -> Sequence[str]:
    """Keys of the stays that bear a number of his."""
    asked = _asked(said, now)
    return [row["key"] for row in _STAYS.rows(connection, **asked)] if any(asked.values()) else []


def carry_over(connection: Connection, words: Iterable[Row], into: PatientKeys) -> None:
    """Let what was said under a number that is no more count under the numbers of the patient it was merged into."""
    for word in words:
        copy = {name: value for name, value in word.items() if name != "seq"} | into.values()
        if any(copy[name] != word[name] for name in _NUMBERS):
            mark = f"{word['fingerprint']} {into.ins_key} {into.ipp_key}".encode()
            insert_new(connection, movement, [copy | {"fingerprint": sha256(mark).hexdigest()}])


def opposed_untied() -> ColumnElement[bool]:
    """Of a letter in ``clock`` that is tied to no stay: whether the patient's last word was that he opposes."""
    same = or_(
        movement.c.ins_key.in_((clock.c.ins_key, clock.c.said_ins)),
        movement.c.ipp_key.in_((clock.c.ipp_key, clock.c.said_ipp)),
    )
    last = select(movement.c.protection).where(_WORDS, same).order_by(*_LAST).limit(1).correlate(clock)
    return and_(clock.c.stay_key.is_(None), last.scalar_subquery() == "Y")


def of_patient(numbers: Sequence[str]) -> ColumnElement[bool]:
    """The letters in ``clock`` that bear one of these numbers."""
    return or_(*(clock.c[name].in_(numbers) for name in _NUMBERS))


def _asked(said: PatientKeys, now: PatientKeys) -> dict[str, str | None]:
    pairs = (("said", said), ("now", now))
    return {f"{name}_{when}": getattr(keys, name) for when, keys in pairs for name in _NUMBERS}
