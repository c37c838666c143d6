"""The clock over whole tables of lines; each deadline is the pure clock's own, asked once for each day."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np

from gateway.delays.clock import Policy, StopsAt, Verdict, deadline, midnight
from gateway.delays.lines import Numbers
from gateway.delays.way import UNKNOWN, Column
from gateway.moments import microseconds

VERDICTS = (Verdict.IN_TIME, Verdict.LATE, Verdict.NEVER_SENT, Verdict.PENDING)
"""A verdict's code is its place here."""
_PROOFS = (Column.SENT, Column.DELIVERED, Column.PROCESSED, Column.READ, Column.INTEGRATED)
_SUFFICIENT = {
    StopsAt.SENT: _PROOFS,
    StopsAt.DELIVERED: _PROOFS[1:],
    StopsAt.READ: _PROOFS[3:],
    StopsAt.INTEGRATED: _PROOFS[4:],
}
_NEVER = np.iinfo(np.int64).max
_HOUR = 3_600_000_000


def stopped(lines: Numbers, stops_at: StopsAt) -> Numbers:
    """When the first sufficient proof of each line came, or ``UNKNOWN``."""
    proofs = lines[list(_SUFFICIENT[stops_at])]
    first = np.where(proofs == UNKNOWN, _NEVER, proofs).min(axis=0, initial=_NEVER)
    return np.where(first == _NEVER, UNKNOWN, first)


class Deadlines:
    """The deadlines of one policy, whose limits were resolved; each is asked of the pure clock once."""

    def __init__(self, policy: Policy) -> None:
        """Nothing is asked yet."""
        self.policy = policy
        self._known: dict[tuple[int, bool], int] = {}

    def of(self, lines: Numbers) -> Numbers:
        """:func:`gateway.delays.clock.deadline` of each line, in microseconds."""
        policy = self.policy
        if policy.hours is not None:
            after: Numbers = lines[Column.STARTED] + int(policy.hours * _HOUR)
            return after
        days, where = np.unique(lines[Column.DAY], return_inverse=True)
        due = self._of_days(days, is_after_hours=False)[where]
        if policy.working is None or policy.working.closes_at is None:
            return due
        shut = [microseconds(policy.working.closing(date.fromordinal(day))) for day in days.tolist()]
        is_after = lines[Column.STARTED] >= np.array(shut, dtype=np.int64)[where]
        return np.where(is_after, self._of_days(days, is_after_hours=True)[where], due)

    def _of_days(self, days: Numbers, *, is_after_hours: bool) -> Numbers:
        return np.array([self._of_day(day, is_after_hours) for day in days.tolist()], dtype=np.int64)

    def _of_day(self, day: int, is_after_hours: bool) -> int:  # noqa: FBT001 (half of a key)
        key = (day, is_after_hours)
        if key not in self._known:
            on, working = date.fromordinal(day), self.policy.working
            started = working.closing(on) if working and is_after_hours else midnight(on)
            self._known[key] = microseconds(deadline(started, self.policy))
        return self._known[key]


def verdicts(lines: Numbers, due: Deadlines, now: datetime) -> Numbers:
    """:func:`gateway.delays.clock.judge` of each line, as places in ``VERDICTS``."""
    last, at = due.of(lines), stopped(lines, due.policy.stops_at)
    told = np.where(at < last, VERDICTS.index(Verdict.IN_TIME), VERDICTS.index(Verdict.LATE))
    is_over = last <= microseconds(now)
    untold = np.where(is_over, VERDICTS.index(Verdict.NEVER_SENT), VERDICTS.index(Verdict.PENDING))
    return np.where(at == UNKNOWN, untold, told)
