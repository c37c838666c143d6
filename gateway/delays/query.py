"""Reads ``timing`` for a report: tables of numbers, one for each source, service and kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Select, and_, distinct, func, or_, select, true

from gateway.delays.clock import Policy, Subject, midnight
from gateway.delays.lines import Numbers, unpack
from gateway.delays.tables import clock, stay, timing
from gateway.delays.way import Column, Flag
from gateway.moments import Moment, microseconds
from gateway.prepared import Prepared


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cohort:
    """What is alike in many lines: who they are of, and why they are counted apart, if they are."""

    hospital: str
    unit: str = ""
    """Empty when nobody stated it; so is the kind of a stay without a letter."""
    kind: str = ""
    apart: str = ""


_FEEDS = Prepared(
    select(stay.c.hospital, func.min(stay.c.first_at, type_=Moment()).label("since")).group_by(stay.c.hospital)
)

Lines = Mapping[Cohort, Numbers]
"""One row of numbers for each of :class:`gateway.delays.way.Column`, one column for each line."""


def read(connection: Connection, policy: Policy, start: date | None, end: date | None) -> Lines:
    """All lines that ``policy`` is about whose clock started on one of these days, both included."""
    found: defaultdict[tuple[str | None, ...], list[bytes]] = defaultdict(list)
    for hospital, unit, kind, apart, line in driven(connection, wanted(policy, start, end)):
        found[hospital, unit, kind, apart].append(line)
    return {Cohort(**_named(names)): unpack(lines) for names, lines in found.items()}


def driven(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows of ``query`` from the driver itself: SQLAlchemy's take four times as long as SQLite."""
    compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
    cursor = connection.connection.cursor()
    cursor.execute(str(compiled))
    while rows := cursor.fetchmany(10_000):
        yield from rows
    cursor.close()


def way_for(policy: Policy) -> ColumnElement[bytes]:
    """The way that ``policy`` judges: where the final letter is waited for, that letter's."""
    way = timing.c.way if policy.partial_counts else func.coalesce(timing.c.final_way, timing.c.way)
    return way.label("way")


def wanted(policy: Policy, start: date | None, end: date | None) -> Select[Any]:
    """Names and way of each of those lines."""
    names = (timing.c[name] for name in ("hospital", "unit", "kind", "apart"))
    mine = timing.c.subject == policy.subject.value
    return select(*names, way_for(policy)).where(in_period(start, end), mine)


def in_period(start: date | None, end: date | None) -> ColumnElement[bool]:
    """Started on one of these days, both included."""
    days = timing.c.started_day
    after = true() if start is None else days >= start.toordinal()
    return and_(after, true() if end is None else days <= end.toordinal())


def feeds(connection: Connection) -> dict[str, datetime]:
    """Since when the ADT of each hospital is heard."""
    return {row["hospital"]: row["since"] for row in _FEEDS.rows(connection)}


def is_unmatched(lines: Numbers, heard_since: datetime | None) -> npt.NDArray[np.bool_]:
    """Which lines are letters that fit no stay although their hospital's ADT was already heard when the patient left.

    Counting each as a stay of its own would count that stay twice: once sent, once never written.
    """
    if heard_since is None:
        return np.zeros(lines.shape[1], dtype=np.bool_)
    unknown = (lines[Column.FLAGS] & Flag.ADT) == 0
    told: npt.NDArray[np.bool_] = unknown & (lines[Column.STARTED] >= microseconds(heard_since))
    return told


def unmatched(connection: Connection) -> ColumnElement[bool]:
    """The same as a condition on ``timing``."""
    heard = [
        and_(timing.c.hospital == hospital, timing.c.started_at >= since)
        for hospital, since in feeds(connection).items()
    ]
    is_stay = timing.c.subject == Subject.STAY.value
    return and_(is_stay, ~timing.c.adt, or_(*heard)) if heard else and_(timing.c.adt, ~timing.c.adt)


def undated(connection: Connection, start: date | None, end: date | None) -> int:
    """Letters received in the period that fit no stay and state no discharge."""
    after = true() if start is None else clock.c.received_at >= midnight(start)
    before = true() if end is None else clock.c.received_at < midnight(end + timedelta(days=1))
    lost = and_(clock.c.counts, clock.c.stay_key.is_(None), clock.c.discharged_at.is_(None))
    return connection.execute(select(func.count(distinct(clock.c.letter_id))).where(lost, after, before)).scalar_one()


def _named(names: tuple[str | None, ...]) -> dict[str, str]:
    return {field: name or "" for field, name in zip(("hospital", "unit", "kind", "apart"), names, strict=True)}
