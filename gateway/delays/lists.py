"""The lists to act on: letters past or near their deadline, and stays whose letter was never handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, not_, or_, select, true

from gateway.delays.clock import PARIS, Policy, StopsAt, Verdict, deadline, judge, legal_day, midnight
from gateway.delays.judging import stopped
from gateway.delays.lines import unpack
from gateway.delays.query import unmatched
from gateway.delays.tables import timing
from gateway.delays.way import UNKNOWN
from gateway.moments import EPOCH, MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedLetter:
    """One stay whose letter is, was or will soon be late; ``stay`` is a pseudonym, no name is in here."""

    stay: str
    letter: str | None
    hospital: str
    unit: str | None
    kind: str | None
    discharged_at: datetime
    """When the clock started: of results, their validation."""
    deadline: datetime
    sent_at: datetime | None
    """The first proof that is sufficient for the policy."""
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

    @property
    def share_used(self) -> float:
        """How much of the time that the letter had is over: 1 at the deadline."""
        whole = (self.deadline - self.discharged_at).total_seconds()
        return (whole - self.seconds_left) / whole if whole > 0 else 1.0


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
    horizon = midnight(legal_day(now) + timedelta(days=within_days + 1))
    near = timing.c.started_day <= legal_day(now).toordinal() + within_days - _least_days(policy)
    waits = timing.c.sent_at.is_(None)
    undone = or_(waits, timing.c.sent_at >= sent_since) if sent_since else waits
    if policy.stops_at is not StopsAt.SENT or not policy.partial_counts:
        undone = true()
    found = _owed(connection, policy, and_(timing.c.letter_id.is_not(None), near, undone), now)
    return tuple(one for one in found if _is_due(one, horizon, sent_since))


def missing(connection: Connection, *, policy: Policy, now: datetime) -> tuple[OwedLetter, ...]:
    """Stays discharged without a letter handed in so far, the longest waiting first; late or not, the verdict tells."""
    return tuple(_owed(connection, policy, timing.c.letter_id.is_(None), now))


def _is_due(one: OwedLetter, horizon: datetime, sent_since: datetime | None) -> bool:
    if one.sent_at is None:
        return one.deadline <= horizon
    return one.verdict is Verdict.LATE and sent_since is not None and one.sent_at >= sent_since


def _least_days(policy: Policy) -> int:
    """No deadline of ``policy`` comes before so many days are over."""
    if policy.hours is not None or any(limit.hours is not None for limit in policy.limits):
        return 0
    return min((policy.days, *(limit.days for limit in policy.limits)))


def _owed(connection: Connection, policy: Policy, which: ColumnElement[bool], now: datetime) -> list[OwedLetter]:
    mine = timing.c.subject == policy.subject.value
    query = select(timing).where(which, mine, timing.c.apart.is_(None), not_(unmatched(connection)))
    rows = connection.execute(query).mappings().all()
    ways = unpack(row["way"] if policy.partial_counts else row["final_way"] or row["way"] for row in rows)
    stops = stopped(ways, policy.stops_at).tolist()
    found = [_owed_letter(row, stop, policy, now) for row, stop in zip(rows, stops, strict=True)]
    return sorted(found, key=lambda one: (one.deadline, one.stay))


def _owed_letter(row: RowMapping, stop: int, policy: Policy, now: datetime) -> OwedLetter:
    own = policy.for_these(row["hospital"], row["unit"], row["kind"])
    due, stopped_at = deadline(row["started_at"], own), None if stop == UNKNOWN else EPOCH + stop * MICROSECOND
    return OwedLetter(
        stay=row["key"],
        letter=row["letter_id"],
        hospital=row["hospital"],
        unit=row["unit"],
        kind=row["kind"],
        discharged_at=row["started_at"],
        deadline=due,
        sent_at=stopped_at,
        verdict=judge(row["started_at"], stopped_at, own, now),
        seconds_left=int((due - (stopped_at or now)) / timedelta(seconds=1)),
        matched=row["matched"],
        conflict=row["conflict"],
    )
