"""What a report asks of ``timing``: one line per group, counted by the database, durations listed to be sorted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    case,
    cast,
    distinct,
    func,
    or_,
    select,
    true,
)

from gateway.delays.clock import Policy, Verdict, legal_day, midnight
from gateway.delays.figures import By, LegName
from gateway.delays.match import Matched
from gateway.delays.tables import clock, stay, timing

DURATIONS = ("taken", *(leg.value for leg in LegName))
"""Columns of ``timing`` in seconds: discharge to acceptance, then each leg."""

UNMATCHED = "unmatched"
VERDICTS = (Verdict.IN_TIME, Verdict.LATE, Verdict.NEVER_SENT, Verdict.PENDING)
LETTER_ONLY, BY_IDENTITY, CONFLICT = 10, 20, 40
"""One number per stay: the verdict's position in ``VERDICTS`` plus these remarks."""


def in_period(start: date | None, end: date | None) -> ColumnElement[bool]:
    """Discharged on one of these days, both included."""
    days = timing.c.discharged_day
    after = true() if start is None else days >= start.toordinal()
    return and_(after, true() if end is None else days <= end.toordinal())


def unmatched(connection: Connection) -> ColumnElement[bool]:
    """Letters that fit no stay although their hospital's ADT was already heard when the patient left.

    Counting each as a stay of its own would count that stay twice: once sent, once never written.
    """
    feeds = connection.execute(select(stay.c.hospital, func.min(stay.c.first_at)).group_by(stay.c.hospital))
    heard = [and_(timing.c.hospital == hospital, timing.c.discharged_at >= since) for hospital, since in feeds]
    return and_(~timing.c.adt, or_(*heard)) if heard else and_(timing.c.adt, ~timing.c.adt)


def group_of(connection: Connection, by: By) -> ColumnElement[Any]:  # Any: text, or a day's number
    """What one row is about; a unit's code is told with its hospital as soon as there are two hospitals."""
    match by:
        case By.HOSPITAL:
            return timing.c.hospital
        case By.KIND:
            return timing.c.kind
        case By.MONTH:
            return timing.c.discharged_day + 0  # an index would fetch every row out of its order: 2 s of a million
        case By.SERVICE:
            several = connection.execute(select(func.count(distinct(timing.c.hospital)))).scalar_one() > 1
            return timing.c.hospital + " · " + func.coalesce(timing.c.unit, "?") if several else timing.c.unit


def measured(policy: Policy, by: ColumnElement[Any], now: datetime) -> Select[Any]:
    """Per group: each stay's verdict with its remarks, and all durations, each as one text with commas between.

    A million stays as a few hundred long texts are read in half the time that a million tuples take.
    """
    remarks = (
        case((timing.c.adt, 0), else_=LETTER_ONLY)
        + case((timing.c.matched == Matched.IDENTITY.value, BY_IDENTITY), else_=0)
        + case((timing.c.conflict, CONFLICT), else_=0)
    )
    texts = [_listed(verdict(policy, now) + remarks).label("stays")]
    texts += [_listed(timing.c[name]).label(name) for name in DURATIONS]
    return select(by.label("grouped_by"), *texts).where(timing.c.apart.is_(None)).group_by("grouped_by")


def verdict(policy: Policy, now: datetime) -> ColumnElement[int]:
    """:func:`gateway.delays.clock.judge` on the days that ``timing`` keeps; a test holds the two together."""
    taken = timing.c.sent_day - timing.c.discharged_day
    last_day = legal_day(now).toordinal() - policy.days
    code = {name: position for position, name in enumerate(VERDICTS)}
    return case(
        (taken <= policy.days, code[Verdict.IN_TIME]),
        (taken > policy.days, code[Verdict.LATE]),
        (timing.c.discharged_day < last_day, code[Verdict.NEVER_SENT]),
        else_=code[Verdict.PENDING],
    )


def counted_apart(by: ColumnElement[Any], foreign: ColumnElement[bool]) -> Select[Any]:
    """Stays that no letter is owed for, and letters that fit no stay: told, never dropped."""
    why = func.coalesce(timing.c.apart, UNMATCHED)
    rows = select(by.label("grouped_by"), why.label("why"), func.count().label("count"))
    return rows.where(or_(timing.c.apart.is_not(None), foreign)).group_by("grouped_by", "why")


def _listed(column: ColumnElement[int]) -> ColumnElement[str]:
    values: ColumnElement[str] = func.aggregate_strings(cast(column, String), ",")
    return values


def undated(connection: Connection, start: date | None, end: date | None) -> int:
    """Letters received in the period that fit no stay and state no discharge."""
    after = true() if start is None else clock.c.received_at >= midnight(start)
    before = true() if end is None else clock.c.received_at < midnight(end + timedelta(days=1))
    lost = and_(clock.c.counts, clock.c.stay_key.is_(None), clock.c.discharged_at.is_(None))
    return connection.execute(select(func.count(distinct(clock.c.letter_id))).where(lost, after, before)).scalar_one()
