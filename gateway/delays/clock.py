"""Whether a letter came in time: named policies, pure, by calendar days in Europe/Paris (art. R.1112-1-2 CSP)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.delays.working import WorkingDays

PARIS = ZoneInfo("Europe/Paris")


class Verdict(StrEnum):
    """What the clock says of one stay, or of one report of results, now."""

    IN_TIME = "in_time"
    LATE = "late"
    NEVER_SENT = "never_sent"
    """The deadline has passed and no sufficient proof came so far."""
    PENDING = "pending"


class Subject(StrEnum):
    """What a clock runs for."""

    STAY = "stay"
    """From discharge, one clock for each stay that a letter is owed for."""
    RESULT = "result"
    """From validation, one clock for each report of laboratory results."""


class StopsAt(StrEnum):
    """The least proof that stops a clock; whatever proves more stops it as well, the first that comes."""

    SENT = "sent"
    """The next hop took it (250): what R.1112-1-2 asks for."""
    DELIVERED = "delivered"
    READ = "read"
    INTEGRATED = "integrated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose clock it is: what a limit may be about."""

    hospital: str
    unit: str | None = None
    kind: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Another limit for some: a name left out fits all. Working days or hours stay what they are in the policy."""

    hospital: str | None = None
    unit: str | None = None
    kind: str | None = None
    urgent: bool | None = None
    """Letters that their sender marked urgent, or those that he did not."""
    days: int = 0
    hours: float | None = None

    def fits(self, whose: Whose) -> bool:
        """Whether it is about this source, service, kind and urgency."""
        names = ("hospital", "unit", "kind", "urgent")
        return all(getattr(self, name) in {None, getattr(whose, name)} for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named clock: the proof must come at the latest ``days`` days after the day it starts, or within ``hours``.

    Days are calendar days, or working days when ``working`` says which those are. Whether a partial letter counts, or
    the final one is waited for, is ``partial_counts``. Of ``limits`` the first that fits wins.
    """

    name: str
    source: str
    days: int = 0
    hours: float | None = None
    working: WorkingDays | None = None
    stops_at: StopsAt = StopsAt.SENT
    partial_counts: bool = True
    subject: Subject = Subject.STAY
    limits: tuple[Limit, ...] = ()

    def for_these(self, whose: Whose) -> Policy:
        """The same with the one limit that this source, service, kind and urgency has."""
        found = next((each for each in self.limits if each.fits(whose)), None)
        if found is None:
            return replace(self, limits=())
        return replace(self, limits=(), days=found.days, hours=found.hours)


EIGHT_DAYS = Policy(name="8-days", days=8, source="art. R.1112-1 CSP, until 31/12/2016")
SAME_DAY = Policy(name="same-day", days=0, source="art. R.1112-1-2 CSP, since 01/01/2017")
SAME_WORKING_DAY = Policy(
    name="same-working-day",
    source="the same day; after hours, at weekends and on public holidays the next working day",
    working=WorkingDays(),
)
LAB_RESULTS = Policy(
    name="lab-results",
    hours=24.0,
    source="the laboratory's own limit (art. D.6211-3 CSP sets none in hours)",
    subject=Subject.RESULT,
)
POLICIES = (EIGHT_DAYS, SAME_DAY, SAME_WORKING_DAY, LAB_RESULTS)


def policy_named(name: str, policies: tuple[Policy, ...] = POLICIES) -> Policy:
    """The policy of that name; ``KeyError`` names those there are."""
    found = next((policy for policy in policies if policy.name == name), None)
    if found is None:
        raise KeyError(f"no policy {name}; there are: {', '.join(policy.name for policy in policies)}")
    return found


def legal_day(at: datetime) -> date:
    """The calendar day of ``at`` in Europe/Paris, whatever zone it is told in; ``ValueError`` without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without zone has no legal day")
    return at.astimezone(PARIS).date()


def plausible(at: datetime | None) -> datetime | None:
    """``at``, or ``None`` when its year is a filler (0001, 9999): no figure may hang on it, no arithmetic overflow."""
    return at if at is not None and 1900 <= at.year < 2200 else None


def midnight(day: date) -> datetime:
    """The first instant of ``day`` in Europe/Paris, in UTC. Clocks change at 02:00 or 03:00: there is always one."""
    return datetime.combine(day, time(), tzinfo=PARIS).astimezone(UTC)


def days_taken(started_at: datetime, stopped_at: datetime) -> int:
    """Calendar days between the two; a letter sent before the discharge took none (HAS, indicator DEC)."""
    return max(0, (legal_day(stopped_at) - legal_day(started_at)).days)


def deadline(started_at: datetime, policy: Policy) -> datetime:
    """The first instant that is too late, in UTC: midnight at the end of the last allowed day, or ``hours`` later.

    Of ``policy`` the general limit counts: :meth:`Policy.for_these` gives the one of a service.
    """
    if policy.hours is not None:
        return started_at.astimezone(UTC) + timedelta(hours=policy.hours)
    if policy.working is None:
        last = legal_day(started_at) + timedelta(days=policy.days)
    else:
        last = policy.working.after(policy.working.first(started_at), policy.days)
    return midnight(last + timedelta(days=1))


def judge(started_at: datetime, stopped_at: datetime | None, policy: Policy, now: datetime) -> Verdict:
    """The legal test on the moment of the first sufficient proof, or on now when none came."""
    is_over = (stopped_at or now) >= deadline(started_at, policy)
    if stopped_at is not None:
        return Verdict.LATE if is_over else Verdict.IN_TIME
    return Verdict.NEVER_SENT if is_over else Verdict.PENDING
