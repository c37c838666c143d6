"""The lists to act on: letters past or near their deadline, and stays whose letter was never handed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select, true

from gateway.delays.clock import PARIS, Policy, StopsAt, Verdict, Whose, legal_day, midnight
from gateway.delays.judging import VERDICTS, Deadlines, stopped, verdicts
from gateway.delays.lines import Numbers, unpack
from gateway.delays.query import driven, unmatched, way_for
from gateway.delays.tables import timing
from gateway.delays.way import UNKNOWN, Column, Flag
from gateway.moments import EPOCH, MICROSECOND, microseconds


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
    urgent: bool
    """Whether the letter's sender marked it so."""
    posted: bool
    """Whether a person posted it on paper."""

    COLUMNS: ClassVar[tuple[str, ...]] = (
        *("letter", "stay", "hospital", "unit", "kind", "discharged_at", "deadline", "sent_at"),
        *("verdict", "seconds_left", "matched", "conflict", "urgent", "posted"),
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
    owed = _owed(connection, policy, and_(timing.c.letter_id.is_not(None), near, undone), now)
    waits_now = (owed.stopped == UNKNOWN) & (owed.due <= microseconds(horizon))
    if sent_since is not None:
        left_late = (owed.verdicts == VERDICTS.index(Verdict.LATE)) & (owed.stopped >= microseconds(sent_since))
        waits_now |= left_late
    return owed.told(waits_now, now)


def missing(connection: Connection, *, policy: Policy, now: datetime) -> tuple[OwedLetter, ...]:
    """Stays discharged without a letter handed in so far, the longest waiting first; late or not, the verdict tells."""
    owed = _owed(connection, policy, timing.c.letter_id.is_(None), now)
    return owed.told(np.ones(len(owed.rows), dtype=np.bool_), now)


def _least_days(policy: Policy) -> int:
    """No deadline of ``policy`` comes before so many days are over."""
    if policy.hours is not None or any(limit.hours is not None for limit in policy.limits):
        return 0
    return min((policy.days, *(limit.days for limit in policy.limits)))


_NAMES = ("key", "letter_id", "hospital", "unit", "kind", "matched")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    """Many lines side by side: judged as tables of numbers, and only those that are told become objects."""

    rows: Sequence[Sequence[str | None]]
    """``_NAMES`` and the way of each."""
    ways: Numbers
    due: Numbers
    stopped: Numbers
    verdicts: Numbers

    def told(self, which: npt.NDArray[np.bool_], now: datetime) -> tuple[OwedLetter, ...]:
        """Those of ``which``, the longest overdue first."""
        due = self.due.tolist()
        places = sorted(np.flatnonzero(which).tolist(), key=lambda place: (due[place], self.rows[place][0]))
        left = self.due - np.where(self.stopped == UNKNOWN, microseconds(now), self.stopped)
        seconds = (np.sign(left) * (np.abs(left) // 1_000_000)).tolist()
        starts, stops = self.ways[Column.STARTED].tolist(), self.stopped.tolist()
        is_conflict, is_urgent, is_posted = (
            ((self.ways[Column.FLAGS] & flag) != 0).tolist() for flag in (Flag.CONFLICT, Flag.URGENT, Flag.POSTED)
        )
        found = self.verdicts.tolist()
        return tuple(
            OwedLetter(
                **_named(self.rows[place]),
                discharged_at=_moment(starts[place]),
                deadline=_moment(due[place]),
                sent_at=None if stops[place] == UNKNOWN else _moment(stops[place]),
                verdict=VERDICTS[found[place]],
                seconds_left=seconds[place],
                conflict=is_conflict[place],
                urgent=is_urgent[place],
                posted=is_posted[place],
            )
            for place in places
        )


def _owed(connection: Connection, policy: Policy, which: ColumnElement[bool], now: datetime) -> _Owed:
    mine = timing.c.subject == policy.subject.value
    columns = (timing.c[name] for name in _NAMES)
    query = select(*columns, way_for(policy)).where(which, mine, timing.c.apart.is_(None), not_(unmatched(connection)))
    rows = list(driven(connection, query))
    ways = unpack(row[-1] for row in rows)
    due, verdict = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    for own, places in _by_policy(policy, rows, ways[Column.FLAGS] & Flag.URGENT).items():
        theirs, limit = ways[:, places], Deadlines(own)
        due[places], verdict[places] = limit.of(theirs), verdicts(theirs, limit, now)
    return _Owed(rows=rows, ways=ways, due=due, stopped=stopped(ways, policy.stops_at), verdicts=verdict)


def _by_policy(policy: Policy, rows: Sequence[Sequence[Any]], urgent: Numbers) -> dict[Policy, list[int]]:
    """Where the lines stand that have each limit."""
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for place, ((_, _, hospital, unit, kind, *_), flag) in enumerate(zip(rows, urgent.tolist(), strict=True)):
        alike[hospital, unit, kind, bool(flag)].append(place)
    found: defaultdict[Policy, list[int]] = defaultdict(list)
    for (hospital, unit, kind, is_urgent), places in alike.items():
        found[policy.for_these(Whose(hospital=hospital, unit=unit, kind=kind, urgent=is_urgent))] += places
    return found


def _named(row: Sequence[Any]) -> dict[str, Any]:
    key, letter, hospital, unit, kind, matched, _ = row
    return {"stay": key, "letter": letter, "hospital": hospital, "unit": unit, "kind": kind, "matched": matched}


def _moment(at: int) -> datetime:
    return EPOCH + at * MICROSECOND
