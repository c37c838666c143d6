"""The lists to act on: letters past or near their deadline, and stays whose letter was never handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, not_, or_, select

from gateway.delays.clock import PARIS, Policy, Verdict, deadline, judge, legal_day
from gateway.delays.query import unmatched
from gateway.delays.tables import timing


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedLetter:
    """One stay whose letter is, was or will soon be late; ``stay`` is a pseudonym, no name is in here."""

    stay: str
    letter: str | None
    hospital: str
    unit: str | None
    kind: str | None
    discharged_at: datetime
    deadline: datetime
    sent_at: datetime | None
    verdict: Verdict
    seconds_left: int
    """To the deadline from now, or from the sending; below 0 when it has passed."""
    matched: str | None
    conflict: bool

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("letter", "stay", "hospital", "unit", "kind", "discharged_at", "deadline", "sent_at"),
        *("verdict", "seconds_left", "matched", "conflict"),
    )

    def as_json(self) -> dict[str, object]:
        """Its columns in the order of the listing; moments as ISO 8601 with the offset of Europe/Paris."""
        told = {name: getattr(self, name) for name in self.COLUMNS}
        moments = ("discharged_at", "deadline", "sent_at")
        return told | {name: told[name] and told[name].astimezone(PARIS) for name in moments}


def late(
    connection: Connection,
    *,
    policy: Policy,
    within_days: int = 0,
    now: datetime,
    sent_since: datetime | None = None,
) -> tuple[OwedLetter, ...]:
    """Letters in hand that are past their deadline or reach it within ``within_days``; the most overdue first.

    Those that left too late are told as well when they left after ``sent_since``. Letters never handed in are
    :func:`missing`.
    """
    last_day = legal_day(now).toordinal() + within_days - policy.days
    waiting = and_(timing.c.sent_at.is_(None), timing.c.discharged_day <= last_day)
    tardy = timing.c.sent_day - timing.c.discharged_day > policy.days
    left = and_(tardy, timing.c.sent_at >= sent_since) if sent_since else None
    due = waiting if left is None else or_(waiting, left)
    query = _owed(connection, and_(timing.c.letter_id.is_not(None), due))
    return _listed(connection, query, policy, now)


def missing(connection: Connection, *, policy: Policy, now: datetime) -> tuple[OwedLetter, ...]:
    """Stays discharged without a letter handed in so far, the longest waiting first; late or not, the verdict tells."""
    return _listed(connection, _owed(connection, timing.c.letter_id.is_(None)), policy, now)


def _owed(connection: Connection, which: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    owed = (timing.c.apart.is_(None), not_(unmatched(connection)))
    return select(timing).where(which, *owed).order_by(timing.c.discharged_at, timing.c.key)


def _listed(
    connection: Connection, query: Select[tuple[object, ...]], policy: Policy, now: datetime
) -> tuple[OwedLetter, ...]:
    return tuple(_owed_letter(row, policy, now) for row in connection.execute(query).mappings())


def _owed_letter(row: RowMapping, policy: Policy, now: datetime) -> OwedLetter:
    due = deadline(row["discharged_at"], policy)
    return OwedLetter(
        stay=row["key"],
        letter=row["letter_id"],
        hospital=row["hospital"],
        unit=row["unit"],
        kind=row["kind"],
        discharged_at=row["discharged_at"],
        deadline=due,
        sent_at=row["sent_at"],
        verdict=judge(row["discharged_at"], row["sent_at"], policy, now),
        seconds_left=int((due - (row["sent_at"] or now.astimezone(UTC))) / timedelta(seconds=1)),
        matched=row["matched"],
        conflict=row["conflict"],
    )
