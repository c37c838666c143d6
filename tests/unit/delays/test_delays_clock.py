"""The legal test counts calendar days in Europe/Paris, whatever the hour, the season or the holiday."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delays.clock import (
    EIGHT_DAYS,
    PARIS,
    SAME_DAY,
    Policy,
    Verdict,
    days_taken,
    deadline,
    judge,
    legal_day,
    midnight,
    policy_named,
)

LATER = datetime(2027, 1, 1, tzinfo=UTC)
moments = st.integers(1_400_000_000, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("left", "sent", "policy", "verdict"),
    [
        ("2026-01-13 18:40", "2026-01-13 18:41", SAME_DAY, Verdict.IN_TIME),
        ("2026-01-13 23:59", "2026-01-13 23:59", SAME_DAY, Verdict.IN_TIME),
        ("2026-01-13 23:59", "2026-01-14 00:00", SAME_DAY, Verdict.LATE),
        ("2026-01-13 00:00", "2026-01-13 23:59", SAME_DAY, Verdict.IN_TIME),
        ("2026-01-13 10:00", "2026-01-21 23:59", EIGHT_DAYS, Verdict.IN_TIME),
        ("2026-01-13 10:00", "2026-01-22 00:00", EIGHT_DAYS, Verdict.LATE),
        ("2026-01-13 23:59", "2026-01-22 00:00", EIGHT_DAYS, Verdict.LATE),
        ("2026-01-13 10:00", "2026-01-12 09:00", SAME_DAY, Verdict.IN_TIME),
        # the clock goes forward on 29/03/2026 at 02:00 and back on 25/10/2026 at 03:00
        ("2026-03-29 00:30", "2026-03-29 23:30", SAME_DAY, Verdict.IN_TIME),
        ("2026-03-28 23:30", "2026-03-29 00:10", SAME_DAY, Verdict.LATE),
        ("2026-03-21 12:00", "2026-03-29 23:59", EIGHT_DAYS, Verdict.IN_TIME),
        ("2026-03-21 12:00", "2026-03-30 00:00", EIGHT_DAYS, Verdict.LATE),
        ("2026-10-25 02:30", "2026-10-25 23:59", SAME_DAY, Verdict.IN_TIME),
        ("2026-10-24 23:59", "2026-10-25 02:30", SAME_DAY, Verdict.LATE),
        ("2026-10-17 23:59", "2026-10-25 23:59", EIGHT_DAYS, Verdict.IN_TIME),
        # eight days are eight days, over Easter, 1 May and 8 May alike
        ("2026-05-01 12:00", "2026-05-09 12:00", EIGHT_DAYS, Verdict.IN_TIME),
        ("2026-05-01 12:00", "2026-05-10 00:01", EIGHT_DAYS, Verdict.LATE),
        ("2024-02-25 12:00", "2024-03-04 12:00", EIGHT_DAYS, Verdict.IN_TIME),
        ("2024-02-25 12:00", "2024-03-05 00:00", EIGHT_DAYS, Verdict.LATE),
    ],
)
def test_a_sent_letter_is_judged_by_the_calendar_day_of_its_acceptance(left, sent, policy, verdict):
    assert judge(paris(left), paris(sent), policy, LATER) is verdict


@pytest.mark.parametrize(
    ("left", "now", "policy", "verdict"),
    [
        ("2026-01-13 10:00", "2026-01-21 23:59", EIGHT_DAYS, Verdict.PENDING),
        ("2026-01-13 10:00", "2026-01-22 00:00", EIGHT_DAYS, Verdict.NEVER_SENT),
        ("2026-01-13 23:59", "2026-01-13 23:59", SAME_DAY, Verdict.PENDING),
        ("2026-01-13 23:59", "2026-01-14 00:00", SAME_DAY, Verdict.NEVER_SENT),
    ],
)
def test_a_letter_not_sent_is_pending_until_its_last_day_is_over(left, now, policy, verdict):
    assert judge(paris(left), None, policy, paris(now)) is verdict


@pytest.mark.parametrize(
    ("left", "policy", "due"),
    [
        ("2026-01-13 10:00", SAME_DAY, "2026-01-13T23:00:00+00:00"),
        ("2026-01-13 10:00", EIGHT_DAYS, "2026-01-21T23:00:00+00:00"),
        ("2026-03-28 10:00", SAME_DAY, "2026-03-28T23:00:00+00:00"),
        ("2026-03-29 10:00", SAME_DAY, "2026-03-29T22:00:00+00:00"),
        ("2026-03-21 10:00", EIGHT_DAYS, "2026-03-29T22:00:00+00:00"),
        ("2026-10-25 10:00", SAME_DAY, "2026-10-25T23:00:00+00:00"),
    ],
)
def test_the_deadline_is_the_midnight_that_ends_the_last_day_summer_and_winter(left, policy, due):
    assert deadline(paris(left), policy) == datetime.fromisoformat(due)


def test_the_day_is_the_one_in_paris_whatever_zone_the_time_is_told_in():
    assert legal_day(datetime(2026, 1, 13, 23, 30, tzinfo=UTC)) == date(2026, 1, 14)
    assert legal_day(datetime(2026, 7, 13, 22, 30, tzinfo=UTC)) == date(2026, 7, 14)
    assert legal_day(datetime(2026, 1, 13, 3, tzinfo=timezone(timedelta(hours=5)))) == date(2026, 1, 12)


def test_a_time_without_zone_is_refused_rather_than_guessed():
    with pytest.raises(ValueError, match="zone"):
        legal_day(datetime(2026, 1, 13))  # noqa: DTZ001


def test_a_letter_written_before_the_discharge_took_no_days():
    assert days_taken(paris("2026-01-13 10:00"), paris("2026-01-10 10:00")) == 0


def test_a_policy_is_found_by_its_name_and_an_unknown_one_names_those_there_are():
    assert policy_named("same-day") is SAME_DAY
    assert policy_named("lab", (Policy(name="lab", days=1, source="the laboratory"),)).days == 1
    with pytest.raises(KeyError, match="8-days, same-day"):
        policy_named("9-days")


@given(moments, moments, st.integers(0, 40))
def test_a_letter_is_in_time_exactly_when_it_left_before_the_deadline(left, sent, days):
    policy = Policy(name="any", days=days, source="")
    assert (judge(left, sent, policy, LATER) is Verdict.IN_TIME) == (sent < deadline(left, policy))


@given(moments)
def test_midnight_is_the_first_instant_of_its_day(at):
    day = legal_day(at)
    assert legal_day(midnight(day)) == day
    assert legal_day(midnight(day) - timedelta(microseconds=1)) == day - timedelta(days=1)
