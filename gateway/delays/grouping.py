"""The rows of a report: measured cohorts put together by service, hospital, kind or month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from gateway.delays.clock import Verdict
from gateway.delays.course import Apart
from gateway.delays.figures import FEW, NO_LETTER, SMALL, UNKNOWN, By, DelayRow, LegName, Spread
from gateway.delays.judging import VERDICTS
from gateway.delays.lines import Numbers
from gateway.delays.measure import ROWS, Figure, Measured
from gateway.delays.query import Cohort
from gateway.delays.way import Flag

_EVERY = 2 * max(Flag)
"""So many unions of flags there are."""
_WITHOUT_PROOF = tuple(VERDICTS.index(verdict) for verdict in (Verdict.NEVER_SENT, Verdict.PENDING))


@dataclass(slots=True)
class Group:
    """What one row is made of, while it is gathered."""

    owed: list[Numbers] = field(default_factory=list)
    """Measures of stays that a letter is owed for."""
    apart: Counter[str] = field(default_factory=Counter)
    unmatched: int = 0

    @property
    def stays(self) -> int:
        """How many stays a letter is owed for."""
        return sum(figures.shape[1] for figures in self.owed)

    @property
    def size(self) -> int:
        """How many people it tells of."""
        return self.stays + self.apart.total() + self.unmatched

    def take(self, cohort: Cohort, figures: Numbers) -> None:
        """Add stays that are alike."""
        if cohort.apart:
            self.apart[cohort.apart] += figures.shape[1]
        else:
            self.owed.append(figures)

    def row(self, name: str, *, least: int = 1) -> DelayRow:
        """The figures; what is told of fewer than ``least`` is left out."""
        counts = self._counted()
        in_time, late, never_sent, pending = (int(count) for count in counts.sum(axis=0))
        return DelayRow(
            group=name,
            in_time=in_time,
            late=late,
            never_sent=never_sent,
            pending=pending,
            taken=self._spread(Figure.TAKEN, least),
            legs={leg: self._spread(ROWS[leg], least) for leg in LegName},
            apart={why: told(self.apart[why.value], least) for why in Apart},
            letter_only=told(int(counts.sum() - _with(counts, Flag.ADT).sum()), least),
            by_identity=told(int(_with(counts, Flag.BY_IDENTITY).sum()), least),
            conflicts=told(int(_with(counts, Flag.CONFLICT).sum()), least),
            unmatched_letters=told(self.unmatched, least),
            posted=told(int(_with(counts, Flag.POSTED)[[*_WITHOUT_PROOF]].sum()), least),
            **_urgent(_with(counts, Flag.URGENT), least),
        )

    def _counted(self) -> Numbers:
        """How many stays have these flags and this verdict: a row for each union of flags, a column for each code."""
        codes = self._all(Figure.FLAGS) * len(VERDICTS) + self._all(Figure.VERDICT)
        return np.bincount(codes, minlength=_EVERY * len(VERDICTS)).reshape(-1, len(VERDICTS))

    def _all(self, row: int) -> Numbers:
        return np.concatenate([figures[row] for figures in self.owed]) if self.owed else np.zeros(0, dtype=np.int64)

    def _spread(self, row: int, least: int) -> Spread:
        values = self._all(row)
        return Spread.of(values[values >= 0], least=least)


def _with(counts: Numbers, flag: Flag) -> Numbers:
    """Of these counts those with the flag, by verdict."""
    mine: Numbers = counts[[flags for flags in range(_EVERY) if flags & flag]].sum(axis=0)
    return mine


def _urgent(verdicts: Numbers, least: int) -> dict[str, int | None]:
    """Urgent letters, and those in time unless that would tell of a few that were not."""
    number, in_time = int(verdicts.sum()), int(verdicts[VERDICTS.index(Verdict.IN_TIME)])
    is_few = None in {told(each, least) for each in (number, in_time, number - in_time)}
    return {"urgent": told(number, least), "urgent_in_time": None if is_few else in_time}


def told(count: int, least: int) -> int | None:
    """``count``, unless it tells of somebody and of fewer than ``least``."""
    return None if 0 < count < least else count


def grouped(cohorts: Mapping[Cohort, Measured], by: By) -> dict[str, Group]:
    """The groups by name; a unit's code is told with its hospital as soon as there are two hospitals."""
    several = len({cohort.hospital for cohort in cohorts}) > 1
    groups: defaultdict[str, Group] = defaultdict(Group)
    for cohort, found in cohorts.items():
        for name, figures in _split(cohort, found.figures, by, several=several):
            groups[name].take(cohort, figures)
        if found.unmatched:
            groups[_name(cohort, by, several=several)].unmatched += found.unmatched
    return groups


def together(groups: Iterable[Group]) -> Group:
    """All of them as one."""
    whole = Group()
    for group in groups:
        whole.owed += group.owed
        whole.apart += group.apart
        whole.unmatched += group.unmatched
    return whole


def without_few(groups: Mapping[str, Group]) -> dict[str, Group]:
    """The same with small groups put together, and the next smallest too while what they come to is still small.

    Otherwise what one group has would follow from the total and the others.
    """
    kept = sorted(groups, key=lambda name: (groups[name].size, name))
    small: list[str] = []
    while kept and (groups[kept[0]].size < FEW or 0 < together(groups[name] for name in small).size < FEW):
        small.append(kept.pop(0))
    rest = {name: groups[name] for name in kept}
    merged = together(groups[name] for name in small)
    return rest | {SMALL: merged} if merged.size >= FEW else rest


def only_in_total(row: DelayRow) -> DelayRow:
    """A row of a shared report: what is counted apart is told for all groups together alone."""
    return replace(
        row,
        apart=dict.fromkeys(row.apart),
        letter_only=None,
        by_identity=None,
        conflicts=None,
        unmatched_letters=None,
        urgent=None,
        urgent_in_time=None,
        posted=None,
    )


def _split(cohort: Cohort, figures: Numbers, by: By, *, several: bool) -> Iterator[tuple[str, Numbers]]:
    if by is not By.MONTH:
        yield _name(cohort, by, several=several), figures
        return
    months = months_of(figures[Figure.DAY])
    order = np.argsort(months, kind="stable")
    found, begins = np.unique(months[order], return_index=True)
    for month, part in zip(found.tolist(), np.split(figures[:, order], begins[1:], axis=1), strict=False):
        yield month_name(month), part


def _name(cohort: Cohort, by: By, *, several: bool) -> str:
    match by:
        case By.HOSPITAL:
            return cohort.hospital
        case By.KIND:
            return cohort.kind or NO_LETTER
        case By.SERVICE if several:
            return f"{cohort.hospital} · {cohort.unit or '?'}"
        case _:
            return cohort.unit or UNKNOWN


def months_of(days: Numbers) -> Numbers:
    """The month of each day (``date.toordinal``) as years times twelve plus months."""
    known, where = np.unique(days, return_inverse=True)
    dates = (date.fromordinal(int(day)) for day in known)
    return np.array([each.year * 12 + each.month - 1 for each in dates], dtype=np.int64)[where]


def month_name(month: int) -> str:
    """``2026-03``."""
    return f"{month // 12:04}-{month % 12 + 1:02}"
