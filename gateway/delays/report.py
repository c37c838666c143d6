"""The delay report: counts by the database, medians by sorting whole seconds here, group by group."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection, RowMapping, func, not_, select

from gateway.delays.clock import Policy, legal_day
from gateway.delays.course import Apart
from gateway.delays.figures import NO_LETTER, UNKNOWN, By, DelayReport, DelayRow, LegName, Spread
from gateway.delays.query import (
    BY_IDENTITY,
    CONFLICT,
    DURATIONS,
    LETTER_ONLY,
    UNMATCHED,
    VERDICTS,
    counted_apart,
    group_of,
    in_period,
    measured,
    undated,
    unmatched,
)
from gateway.delays.tables import timing

_TOTAL = "total"


def report(
    connection: Connection,
    *,
    policy: Policy,
    start: date | None = None,
    end: date | None = None,
    by: By = By.SERVICE,
    now: datetime,
) -> DelayReport:
    """How long letters took for stays discharged in the period; a stay counts once, by the letter that answers for it.

    The same tables and the same ``now`` give the same report. Reads only.
    """
    inside, foreign, name = in_period(start, end), unmatched(connection), group_of(connection, by)
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    for told in connection.execute(measured(policy, name, now).where(inside, not_(foreign))).mappings():
        groups[_label(told["grouped_by"], by)].take(told)
    for told in connection.execute(counted_apart(name, foreign).where(inside)).mappings():
        groups[_label(told["grouped_by"], by)].apart[told["why"]] += told["count"]
    for group in groups.values():
        group.sort()
    return DelayReport(
        policy=policy.name,
        start=start or _first_day(connection),
        end=end or legal_day(now),
        generated_at=now,
        by=by,
        rows=tuple(_row(name, [groups[name]]) for name in sorted(groups)),
        total=_row(_TOTAL, list(groups.values())),
        undated_letters=undated(connection, start, end),
    )


@dataclass(slots=True)
class _Group:
    """Figures of one row while they are gathered."""

    stays: Counter[int] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)
    durations: dict[str, array[int]] = field(default_factory=lambda: {name: array("q") for name in DURATIONS})

    def take(self, told: RowMapping) -> None:
        """Add a line of :func:`gateway.delays.query.measured`."""
        self.stays.update(_numbers(told["stays"]))
        for name, values in self.durations.items():
            values.extend(_numbers(told[name]))

    def sort(self) -> None:
        """From short to long, as :class:`Spread` wants them."""
        self.durations = {name: array("q", sorted(values)) for name, values in self.durations.items()}


def _numbers(text: str | None) -> list[int]:
    """``12,7,3`` as integers; nothing when every value was unknown."""
    return msgspec.json.decode(f"[{text or ''}]", type=list[int])


def _row(name: str, groups: Sequence[_Group]) -> DelayRow:
    """The figures of sorted groups together."""
    stays: Counter[int] = Counter()
    apart: Counter[str] = Counter()
    for group in groups:
        stays.update(group.stays)
        apart.update(group.apart)
    spreads = {what: Spread.of([group.durations[what] for group in groups]) for what in DURATIONS}
    return DelayRow(
        group=name,
        **{told.value: sum(n for case, n in stays.items() if case % 10 == code) for code, told in enumerate(VERDICTS)},
        taken=spreads["taken"],
        legs={leg: spreads[leg.value] for leg in LegName},
        apart={why: apart[why.value] for why in Apart},
        letter_only=_remarked(stays, LETTER_ONLY),
        by_identity=_remarked(stays, BY_IDENTITY),
        conflicts=_remarked(stays, CONFLICT),
        unmatched_letters=apart[UNMATCHED],
    )


def _remarked(stays: Counter[int], remark: int) -> int:
    return sum(count for case, count in stays.items() if (case // 10) & (remark // 10))


def _label(value: str | int | None, by: By) -> str:
    """From the database's group to the row's name."""
    if isinstance(value, int):
        return date.fromordinal(value).strftime("%Y-%m")
    return value or (NO_LETTER if by is By.KIND else UNKNOWN)


def _first_day(connection: Connection) -> date | None:
    first = connection.execute(select(func.min(timing.c.discharged_day))).scalar_one()
    return date.fromordinal(first) if first else None
