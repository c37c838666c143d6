"""Working days, Alsace-Moselle included; limits for some; results under their laboratory's clock."""

from datetime import date, time

import pytest

from config.sections import DelayLimit, Delays
from gateway.delays.clock import LAB_RESULTS, SAME_WORKING_DAY, Verdict, Whose, deadline, judge, policy_named
from gateway.delays.legs import Leg
from gateway.delays.report import report
from gateway.delays.working import WorkingDays
from gateway.service.from_settings.policies import policies_of
from tests.unit.delays.test_delays_clock import paris
from tests.unit.delays.wards import at


@pytest.mark.parametrize(
    ("region", "day", "is_worked"),
    [
        ("", date(2026, 4, 3), True),  # Good Friday
        ("67", date(2026, 4, 3), False),
        ("68", date(2026, 12, 26), False),
        ("57", date(2026, 4, 3), False),
        ("", date(2026, 5, 14), False),  # Ascension
        ("", date(2026, 3, 14), False),  # a Saturday
        ("974", date(2026, 12, 20), False),  # abolition of slavery, a Sunday besides
    ],
)
def test_weekends_and_the_holidays_of_a_region_are_not_worked(region, day, is_worked):
    assert WorkingDays(region=region).is_worked(day) is is_worked


def test_a_region_without_holidays_of_its_own_is_refused_by_name():
    with pytest.raises(ValueError, match="75"):
        WorkingDays(region="75")


def test_a_library_of_holidays_knows_alsace_by_its_new_code_alone():
    assert WorkingDays(region="67").is_worked(date(2026, 12, 24))


@pytest.mark.parametrize(
    ("left", "due"),
    [
        ("2026-03-13 10:00", "2026-03-14 00:00"),  # Friday
        ("2026-03-14 10:00", "2026-03-17 00:00"),  # Saturday: Monday counts
        ("2026-04-04 10:00", "2026-04-08 00:00"),  # Easter: Tuesday counts
        ("2026-03-27 23:30", "2026-03-28 00:00"),  # the night before the clock changes
    ],
)
def test_a_discharge_on_a_day_off_counts_from_the_next_working_day(left, due):
    assert deadline(paris(left), SAME_WORKING_DAY) == paris(due)


def test_settings_make_the_policies():
    limits = (
        DelayLimit(policy="lab-results", hospital="labo-x", hours=4),
        DelayLimit(policy="8-days", hospital="CHU-X", unit="PSY1", days=15),
    )
    made = policies_of(Delays(region="67", closes_at=time(18), lab_hours=48, limits=limits, partial_counts=False))
    working = policy_named("same-working-day", made).working
    assert working == WorkingDays(region="67", closes_at=time(18))
    results, eight = policy_named("lab-results", made), policy_named("8-days", made)
    assert (results.hours, results.for_these(Whose(hospital="labo-x")).hours) == (48, 4)
    limits = [eight.for_these(Whose(hospital="CHU-X", unit=unit)).days for unit in ("PSY1", "CARDIO")]
    assert limits == [15, 8]
    assert not eight.partial_counts


def test_results_run_under_the_laboratorys_own_limit_and_answer_for_no_stay(ward):
    for letter, sent in (("L1", "13 15:00"), ("L2", "14 18:00")):
        ward.write(letter, "13 12:00", validated_at=at("13 11:00"), hospital="labo-x", kind=None, is_result=True)
        ward.leg(Leg.ACCEPTED, sent, f"{letter}-0")
    total = report(ward.connection, policy=LAB_RESULTS, now=at("31 12:00")).total
    assert (total.stays, total.in_time, total.late) == (2, 1, 1)
    assert report(ward.connection, policy=SAME_WORKING_DAY, now=at("31 12:00")).total.stays == 0
    (strict,) = [one for one in policies_of(Delays(lab_hours=2)) if one.name == "lab-results"]
    assert report(ward.connection, policy=strict, now=at("31 12:00")).total.late == 2


def test_hours_run_through_the_night_when_the_clock_changes():
    policy = policy_named("lab-results")
    assert (
        judge(paris("2026-03-28 12:00"), paris("2026-03-29 12:59"), policy, paris("2026-04-01 00:00"))
        is Verdict.IN_TIME
    )
    assert (
        judge(paris("2026-03-28 12:00"), paris("2026-03-29 13:00"), policy, paris("2026-04-01 00:00")) is Verdict.LATE
    )
