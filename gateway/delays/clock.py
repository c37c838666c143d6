"""Whether a letter left in time: pure, by calendar days in Europe/Paris (art. R.1112-1-2 CSP)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Verdict(StrEnum):
    """What the clock says of one stay now."""

    IN_TIME = "in_time"
    LATE = "late"
    NEVER_SENT = "never_sent"
    """The deadline has passed and nothing was accepted so far."""
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A named clock: the letter must be accepted at the latest ``days`` calendar days after the day of discharge."""

    name: str
    days: int
    source: str


EIGHT_DAYS = Policy(name="8-days", days=8, source="art. R.1112-1 CSP, until 31/12/2016")
SAME_DAY = Policy(name="same-day", days=0, source="art. R.1112-1-2 CSP, since 01/01/2017")
POLICIES = (EIGHT_DAYS, SAME_DAY)


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


def days_taken(discharged_at: datetime, sent_at: datetime) -> int:
    """Calendar days between the two; a letter sent before the discharge took none (HAS, indicator DEC)."""
    return max(0, (legal_day(sent_at) - legal_day(discharged_at)).days)


def deadline(discharged_at: datetime, policy: Policy) -> datetime:
    """The first instant that is too late: midnight at the end of the last allowed day, in UTC."""
    return midnight(legal_day(discharged_at) + timedelta(days=policy.days + 1))


def judge(discharged_at: datetime, sent_at: datetime | None, policy: Policy, now: datetime) -> Verdict:
    """The legal test on the day of acceptance, or on today when nothing was accepted."""
    taken = days_taken(discharged_at, sent_at or now)
    if sent_at is not None:
        return Verdict.IN_TIME if taken <= policy.days else Verdict.LATE
    return Verdict.PENDING if taken <= policy.days else Verdict.NEVER_SENT
