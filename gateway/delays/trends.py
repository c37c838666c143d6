"""What the pictures of a report show, as numbers: by month, by leg, by service and weekday, and over time; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from gateway.delays.clock import StopsAt, Verdict
from gateway.delays.figures import FEW, UNKNOWN, LegName
from gateway.delays.grouping import month_name, months_of
from gateway.delays.judging import VERDICTS, stopped
from gateway.delays.lines import Numbers
from gateway.delays.measure import ROWS, Figure, Measured
from gateway.delays.query import Cohort
from gateway.delays.way import UNKNOWN as NEVER
from gateway.delays.way import Column
from gateway.moments import microseconds

Shares = npt.NDArray[np.float64]

DRAWN_LEGS = tuple(leg for leg in LegName if leg is not LegName.RECEIVED_TO_SENT)
SERVICES = 14
"""So many services have a line of their own in the heat map: those with the most stays."""
SPAN_DAYS = 30
_STEPS_A_DAY = 4
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """The stays discharged in one month."""

    name: str
    stays: int
    share_in_time: float | None
    """Of those whose time is over or whose letter has left; ``None`` when there are none, or too few to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Share in time by service and weekday of discharge, Monday first; not a number where there is nothing to tell."""

    services: tuple[str, ...]
    shares: Shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """All that is drawn."""

    months: tuple[Month, ...]
    legs: Mapping[LegName, Numbers]
    """Seconds, sorted; a leg that is known of too few is empty."""
    heat: Heat
    days: Shares
    """Days since discharge: the positions of ``waiting``."""
    waiting: Mapping[StopsAt, Shares]
    """The share of letters without that proof so many days after discharge (Kaplan and Meier: stays that are younger
    than that count as long as they are watched); only of proofs that came at all."""


def trends(cohorts: Mapping[Cohort, Measured], now: datetime) -> Trends:
    """What to draw of stays that a letter is owed for; nothing is told of fewer than ``FEW``."""
    owed = {cohort: found for cohort, found in cohorts.items() if not cohort.apart}
    figures = _joined([found.figures for found in owed.values()], len(Figure) + len(ROWS))
    lines = _joined([found.lines for found in owed.values()], len(Column))
    positions = np.arange(SPAN_DAYS * _STEPS_A_DAY + 1, dtype=np.float64) / _STEPS_A_DAY
    return Trends(
        months=_months(figures),
        legs={leg: _enough(figures[ROWS[leg]]) for leg in DRAWN_LEGS},
        heat=_heat(owed),
        days=positions,
        waiting=_waiting(lines, positions, now),
    )


def waiting(taken: Numbers, watched: Numbers, positions: Shares) -> Shares:
    """Kaplan and Meier's estimate at ``positions`` (days): ``taken`` until it came, else ``watched`` (microseconds)."""
    came = taken != NEVER
    until = np.where(came, np.maximum(taken, 0), np.maximum(watched, 0))
    times, events = np.unique(until[came], return_counts=True)
    at_risk = until.size - np.searchsorted(np.sort(until), times, side="left")
    left = np.cumprod(1.0 - events / at_risk)
    places = np.searchsorted(times, positions * _DAY, side="right")
    found: Shares = np.concatenate([[1.0], left])[places].astype(np.float64)
    return found


def _waiting(lines: Numbers, positions: Shares, now: datetime) -> dict[StopsAt, Shares]:
    started = lines[Column.STARTED]
    found: dict[StopsAt, Shares] = {}
    for proof in (StopsAt.SENT, StopsAt.DELIVERED, StopsAt.READ):
        at = stopped(lines, proof)
        if (at != NEVER).sum() >= FEW:
            found[proof] = waiting(np.where(at == NEVER, NEVER, at - started), microseconds(now) - started, positions)
    return found


def _months(figures: Numbers) -> tuple[Month, ...]:
    months = months_of(figures[Figure.DAY])
    found = []
    for month in np.unique(months):
        verdicts = figures[Figure.VERDICT][months == month]
        share = float(_share(verdicts)) if verdicts.size >= FEW else np.nan
        told = None if np.isnan(share) else share
        found.append(Month(name=month_name(int(month)), stays=int(verdicts.size), share_in_time=told))
    return tuple(found)


def _heat(owed: Mapping[Cohort, Measured]) -> Heat:
    several = len({cohort.hospital for cohort in owed}) > 1
    by_name: defaultdict[str, list[Numbers]] = defaultdict(list)
    for cohort, found in owed.items():
        unit = cohort.unit or UNKNOWN
        by_name[f"{cohort.hospital} · {unit}" if several else unit].append(found.figures)
    services = {name: np.concatenate(parts, axis=1) for name, parts in by_name.items()}
    largest = sorted(services, key=lambda name: (-services[name].shape[1], name))[:SERVICES]
    shown = tuple(sorted(name for name in largest if services[name].shape[1] >= FEW))
    return Heat(services=shown, shares=np.array([_week(services[name]) for name in shown]).reshape(-1, 7))


def _week(figures: Numbers) -> list[float]:
    weekdays = (figures[Figure.DAY] - 1) % 7  # the first day of the calendar was a Monday
    days = [figures[Figure.VERDICT][weekdays == day] for day in range(7)]
    return [float(_share(day)) if day.size >= FEW else np.nan for day in days]


def _share(verdicts: Numbers) -> float:
    judged = verdicts[verdicts != VERDICTS.index(Verdict.PENDING)]
    return float((judged == VERDICTS.index(Verdict.IN_TIME)).mean()) if judged.size >= FEW else np.nan


def _enough(taken: Numbers) -> Numbers:
    known = np.sort(taken[taken >= 0])
    return known if known.size >= FEW else known[:0]


def _joined(parts: Sequence[Numbers], rows: int) -> Numbers:
    return np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0), dtype=np.int64)
