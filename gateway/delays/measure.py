"""What is measured of each line: its verdict, and how long each leg took, in whole seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

import numpy as np
from sqlalchemy import Connection

from gateway.delays.clock import Policy, Subject, Whose
from gateway.delays.figures import By, LegName
from gateway.delays.judging import Deadlines, stopped, verdicts
from gateway.delays.lines import Numbers
from gateway.delays.query import Cohort, feeds, is_unmatched, read
from gateway.delays.way import UNKNOWN, Column, Flag

UNTOLD = -1
"""A duration of which one end is not known."""


class Figure(IntEnum):
    """What stands where in a table of measures; after ``TAKEN`` (start to the proof that stops the clock) the legs."""

    VERDICT = 0
    FLAGS = 1
    DAY = 2
    TAKEN = 3


LEGS = {
    LegName.DISCHARGE_TO_WRITTEN: (Column.STARTED, Column.WRITTEN),
    LegName.WRITTEN_TO_RECEIVED: (Column.WRITTEN, Column.RECEIVED),
    LegName.RECEIVED_TO_SEALED: (Column.RECEIVED, Column.SEALED),
    LegName.SEALED_TO_SENT: (Column.SEALED, Column.SENT),
    LegName.RECEIVED_TO_SENT: (Column.RECEIVED, Column.SENT),
    LegName.SENT_TO_DELIVERED: (Column.SENT, Column.DELIVERED),
    LegName.DELIVERED_TO_READ: (Column.DELIVERED, Column.READ),
    LegName.READ_TO_INTEGRATED: (Column.READ, Column.INTEGRATED),
}
ROWS = {leg: len(Figure) + place for place, leg in enumerate(LEGS)}
"""Where the seconds of each leg stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a report is asked: the stays discharged from ``start`` to ``end`` in Paris, both days included."""

    policy: Policy
    by: By = By.SERVICE
    start: date | None = None
    end: date | None = None
    now: datetime
    shared: bool = False
    """For others than the hospital: nothing is told of fewer than ``figures.FEW`` stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One cohort: a table of measures, the lines they were taken from, and how many letters fit no stay."""

    figures: Numbers
    lines: Numbers
    unmatched: int = 0


def measured(connection: Connection, question: Question) -> dict[Cohort, Measured]:
    """All lines of the period, judged and measured: what reports and pictures are made of."""
    lines = read(connection, question.policy, question.start, question.end)
    heard = feeds(connection) if question.policy.subject is Subject.STAY else {}
    due: dict[Policy, Deadlines] = {}
    found: dict[Cohort, Measured] = {}
    for cohort in sorted(lines):
        is_foreign = is_unmatched(lines[cohort], heard.get(cohort.hospital))
        mine = lines[cohort][:, ~is_foreign] if is_foreign.any() else lines[cohort]
        figures = _judged(mine, cohort, question, due)
        found[cohort] = Measured(figures=figures, lines=mine, unmatched=int(is_foreign.sum()))
    return found


def _judged(lines: Numbers, cohort: Cohort, question: Question, due: dict[Policy, Deadlines]) -> Numbers:
    """The table of measures, where a limit is about urgent letters with theirs under it."""
    whose = Whose(hospital=cohort.hospital, unit=cohort.unit or None, kind=cohort.kind or None)
    own, hurried = (question.policy.for_these(replace(whose, urgent=urgent)) for urgent in (False, True))
    figures = measure(lines, due.setdefault(own, Deadlines(own)), question.now)
    is_urgent = (lines[Column.FLAGS] & Flag.URGENT) != 0
    if own != hurried and is_urgent.any():
        theirs = due.setdefault(hurried, Deadlines(hurried))
        figures[:, is_urgent] = measure(lines[:, is_urgent], theirs, question.now)
    return figures


def measure(lines: Numbers, due: Deadlines, now: datetime) -> Numbers:
    """The table of measures of ``lines``, all of which are under one policy."""
    stop = stopped(lines, due.policy.stops_at)
    legs = [seconds(lines[begin], lines[end]) for begin, end in LEGS.values()]
    known = (verdicts(lines, due, now), lines[Column.FLAGS], lines[Column.DAY])
    return np.stack([*known, seconds(lines[Column.STARTED], stop), *legs])


def seconds(begin: Numbers, end: Numbers) -> Numbers:
    """Whole seconds, 0 when the end comes first (DEC; clocks that differ); ``UNTOLD`` where an end is not known."""
    is_known = (begin != UNKNOWN) & (end != UNKNOWN)
    taken = np.full(begin.shape, UNTOLD, dtype=np.int64)
    taken[is_known] = np.maximum(0, (end[is_known] - begin[is_known]) // 1_000_000)
    return taken
