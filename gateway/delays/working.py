"""Which days are worked: weekends and public holidays of a region of France (code du travail L.3133-1, L.3134-13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_PARIS = ZoneInfo("Europe/Paris")
REGIONS = {
    "": None,
    **dict.fromkeys(("67", "68", "6AE"), "6AE"),
    **{code: code for code in ("57", "971", "972", "973", "974", "976", "BL", "MF", "NC", "PF", "PM", "TF", "WF")},
}
"""Regions with holidays of their own; Bas-Rhin and Haut-Rhin are one (Alsace), like Moselle with two days more."""
_SATURDAY = 5
_LAST = date.max - timedelta(days=60)
"""Beyond it no day has a next one: everything counts as worked there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingDays:
    """Monday to Friday without the public holidays of ``region`` (a key of ``REGIONS``).

    What happens at ``closes_at`` (wall clock in Europe/Paris) or later belongs to the next working day.
    """

    region: str = ""
    closes_at: time | None = None

    def __post_init__(self) -> None:
        """ValueError for a region that has no holidays of its own."""
        if self.region not in REGIONS:
            raise ValueError(f"no region {self.region}; there are: {', '.join(filter(None, REGIONS))}, or none")

    def is_worked(self, day: date) -> bool:
        """Whether ``day`` is neither a weekend nor a public holiday."""
        return day.weekday() < _SATURDAY and day not in _holidays(REGIONS[self.region], day.year)

    def first(self, at: datetime) -> date:
        """The working day that ``at`` counts for: its own, else the next one."""
        day = at.astimezone(_PARIS).date()
        is_closed = self.closes_at is not None and at >= self.closing(day)
        return self.after(day if is_closed else day - timedelta(days=1), 1)

    def closing(self, day: date) -> datetime:
        """The moment of ``closes_at`` on ``day``, in UTC; the end of the day when there is none."""
        if self.closes_at is None:
            return datetime.combine(day + timedelta(days=1), time(), tzinfo=_PARIS).astimezone(UTC)
        return datetime.combine(day, self.closes_at, tzinfo=_PARIS).astimezone(UTC)

    def after(self, day: date, number: int) -> date:
        """The working day that is ``number`` working days after ``day``; ``day`` itself for 0."""
        for following in self._following(day):
            if number <= 0:
                break
            day = following
            number -= self.is_worked(day)
        return day

    def _following(self, day: date) -> Iterator[date]:
        while day < _LAST:
            day += timedelta(days=1)
            yield day
        yield day


@cache
def _holidays(region: str | None, year: int) -> frozenset[date]:
    """A whole year at once: asked day by day the library's mapping is ten times slower."""
    import holidays  # noqa: PLC0415 - only for a clock that counts working days

    return frozenset(holidays.country_holidays("FR", subdiv=region, years=[year]))
