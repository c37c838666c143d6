"""The report counts every stay once, leaves nothing out in silence, and has the shape that scripts rely on."""

import json
import statistics
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from gateway.delays.clock import EIGHT_DAYS, SAME_DAY, Policy, Verdict, judge, legal_day
from gateway.delays.figures import By, Spread
from gateway.delays.judging import VERDICTS, Deadlines, verdicts
from gateway.delays.legs import Leg
from gateway.delays.lines import unpack
from gateway.delays.lists import late, missing
from gateway.delays.render import bar, to_csv, to_json, to_table
from gateway.delays.report import report
from gateway.delays.way import Column, Flag, pack
from gateway.delays.words import ENGLISH
from gateway.delays.working import WorkingDays
from tests.unit.delays.wards import Ward, at, moved, patient

NOW = at("31 12:00")


def a_month(ward: Ward) -> None:
    """In time, late, never sent, pending; a death, a transfer, a discharge undone, an opposition, no GP."""
    for number, (day, unit) in enumerate([(2, "A"), (3, "A"), (4, "B"), (30, "B")], start=1):
        ward.move(moved("A03", f"{day:02} 10:00", visit=f"V{number}", unit=unit, who=patient(number)))
    ward.write("L1", "02 11:00", visit="V1", patient=patient(1), validated_at=at("02 10:30"))
    ward.leg(Leg.ACCEPTED, "02 11:05", "L1-0")
    ward.leg(Leg.DELIVERED, "02 11:06", "L1-0")
    ward.leg(Leg.DISPLAYED, "02 12:06", "L1-0")
    ward.write("L2", "12 09:00", visit="V2", patient=patient(2), validated_at=at("12 08:00"))
    ward.leg(Leg.ACCEPTED, "12 10:00", "L2-0")
    ward.move(moved("A03", "05 10:00", visit="V5", unit="A", who=patient(5), exit_mode="9"))
    ward.move(moved("A03", "05 10:00", visit="V6", unit="A", who=patient(6), exit_mode="7"))
    ward.move(moved("A03", "05 10:00", visit="V7", unit="B", who=patient(7)))
    ward.move(moved("A13", "05 11:00", visit="V7", unit="B", who=patient(7)))
    ward.move(moved("A03", "05 10:00", visit="V8", unit="B", who=patient(8)))
    ward.oppose("V8", "05 10:05")
    ward.move(moved("A03", "05 10:00", visit="V9", unit="B", who=patient(9), no_gp=True))


def told(ward: Ward, **more):
    return report(ward.connection, **({"policy": EIGHT_DAYS, "now": NOW} | more))


def test_every_stay_is_counted_once_and_those_apart_apart(ward):
    a_month(ward)
    total = told(ward).total
    assert (total.in_time, total.late, total.never_sent, total.pending, total.stays) == (1, 1, 1, 1, 4)
    assert total.share_in_time == pytest.approx(1 / 3)
    apart = {"death": 1, "transfer": 1, "cancelled": 1, "opposition": 1, "no_gp": 1}
    assert total.as_json()["apart"] == apart


def test_the_same_day_clock_runs_on_the_same_stays(ward):
    a_month(ward)
    total = told(ward, policy=SAME_DAY).total
    assert (total.in_time, total.late, total.never_sent, total.pending) == (1, 1, 2, 0)


def test_the_json_is_the_promised_shape(ward):
    a_month(ward)
    shape = json.loads(to_json(told(ward, start=date(2026, 3, 1), end=date(2026, 3, 31))))
    assert (shape["policy"], shape["by"]) == ("8-days", "service")
    assert (shape["from"], shape["to"]) == ("2026-03-01T00:00:00+01:00", "2026-03-31T23:59:59+02:00")
    assert shape["generated_at"] == "2026-03-31T12:00:00+02:00"
    row = shape["rows"][0]
    promised = ["group", "stays", "in_time", "late", "never_sent", "pending", "share_in_time", "median_seconds"]
    promised += ["p90_seconds", "legs", "apart"]
    assert list(row)[: len(promised)] == promised
    assert (row["group"], row["share_in_time"]) == ("A", 0.5)
    legs = ["discharge_to_written", "written_to_received", "received_to_sealed", "sealed_to_sent", "received_to_sent"]
    legs += ["sent_to_delivered", "delivered_to_read", "read_to_integrated"]
    assert list(row["legs"]) == legs
    assert row["legs"]["delivered_to_read"] == {"median_seconds": 3600, "p90_seconds": 3600}
    assert set(shape["total"]) == set(row)
    assert {"label": "AP-HP 2006, 34 hospitals", "share_in_time": 0.48} in shape["references"]
    assert [one["share_in_time"] for one in shape["references"]] == [0.376, 0.48, 0.467, 0.8]


def test_nothing_known_gives_zeros_and_nulls(ward):
    shape = told(ward).as_json()
    assert (shape["rows"], shape["from"]) == ([], None)
    assert (shape["total"]["stays"], shape["total"]["share_in_time"], shape["total"]["median_seconds"]) == (
        0,
        None,
        None,
    )


def test_pending_alone_has_no_share(ward):
    ward.move(moved("A03", "30 10:00"))
    assert told(ward).total.share_in_time is None


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        (By.SERVICE, ["A", "B"]),
        (By.HOSPITAL, ["CHU-X"]),
        (By.KIND, ["11490-0", "no-letter"]),
        (By.MONTH, ["2026-03", "2026-04"]),
    ],
)
def test_rows_are_by_service_hospital_kind_or_month(ward, by, groups):
    a_month(ward)
    if by is By.MONTH:
        ward.move(moved("A03", "04-01 00:10", visit="V20", who=patient(20)))
    answer = told(ward, by=by)
    assert [row.group for row in answer.rows] == groups
    assert sum(row.stays for row in answer.rows) == answer.total.stays


def test_units_of_two_hospitals_do_not_mix(ward):
    ward.move(moved("A03", "02 10:00", unit="A"))
    ward.move(moved("A03", "02 10:00", unit="A", hospital="CH-Y", visit="V2", who=patient(2)))
    assert [row.group for row in told(ward).rows] == ["CH-Y · A", "CHU-X · A"]


def test_the_period_is_of_discharge_days_in_paris_both_included(ward):
    ward.move(moved("A03", "02 00:00", visit="V1"), moved("A03", "03 23:59", visit="V2", who=patient(2)))
    ward.move(moved("A03", "04 00:00", visit="V3", who=patient(3)))
    assert told(ward, start=date(2026, 3, 2), end=date(2026, 3, 3)).total.stays == 2


def test_letters_alone_are_stays_and_said_to_be(ward):
    ward.write("L1", "05 10:00", left=at("02 10:00"))
    ward.leg(Leg.ACCEPTED, "05 10:01", "L1-0")
    total = told(ward).total
    assert (total.stays, total.in_time, total.letter_only) == (1, 1, 1)


def test_a_letter_that_fits_no_stay_of_a_hospital_with_adt_is_told_and_not_a_stay(ward):
    ward.move(moved("A03", "02 10:00"), when="01 10:00")
    ward.write("L1", "05 10:00", visit="V404", left=at("04 10:00"), patient=patient(404))
    ward.write("L2", "05 10:00", visit="V405", left=at("04 10:00"), patient=patient(405), hospital="CH-Y")
    total = told(ward).total
    assert (total.stays, total.unmatched_letters, total.letter_only) == (2, 1, 1)
    assert [one.stay for one in missing(ward.connection, policy=EIGHT_DAYS, now=NOW)] == [ward.stay()["key"]]


def test_letters_from_before_the_adt_was_connected_are_stays(ward):
    ward.move(moved("A03", "20 10:00"), when="20 10:00")
    ward.write("L1", "05 10:00", visit="V404", left=at("04 10:00"), patient=patient(404))
    assert told(ward).total.letter_only == 1


def test_letters_that_can_be_timed_from_nothing_are_counted(ward):
    ward.write("L1", "05 10:00", stay=None, patient=None)
    assert told(ward).undated_letters == 1
    assert told(ward, end=date(2026, 3, 4)).undated_letters == 0


def test_ties_by_identity_and_contradictions_are_told(ward):
    ward.move(moved("A03", "02 10:00", pv1_45=at("01 10:00")))
    ward.write("L1", "05 10:00", visit=None, left=at("01 10:00"))
    total = told(ward).total
    assert (total.by_identity, total.conflicts) == (1, 1)


def test_the_same_tables_and_clock_give_the_same_report(ward):
    a_month(ward)
    assert told(ward) == told(ward)


def test_late_lists_letters_in_hand_past_or_near_their_deadline_most_overdue_first(ward):
    for number, day in enumerate((5, 15, 20, 23, 28), start=1):
        ward.move(moved("A03", f"{day:02} 10:00", visit=f"V{number}", who=patient(number)))
        ward.write(f"L{number}", f"{day:02} 11:00", visit=f"V{number}", patient=patient(number))
    ward.leg(Leg.ACCEPTED, "15 12:00", "L2-0")
    ward.leg(Leg.ACCEPTED, "31 11:00", "L3-0")
    now = at("31 12:00")
    assert [one.letter for one in late(ward.connection, policy=EIGHT_DAYS, now=now)] == ["L1", "L4"]
    near = late(ward.connection, policy=EIGHT_DAYS, now=now, within_days=5)
    assert [one.letter for one in near] == ["L1", "L4", "L5"]
    assert [one.verdict for one in near] == [Verdict.NEVER_SENT, Verdict.PENDING, Verdict.PENDING]
    assert near[0].seconds_left < 0 < near[1].seconds_left
    assert near[1].deadline == datetime(2026, 3, 31, 22, tzinfo=UTC)
    sent = late(ward.connection, policy=EIGHT_DAYS, now=now, sent_since=at("30 00:00"))
    assert [(one.letter, one.verdict) for one in sent][1] == ("L3", Verdict.LATE)


def test_missing_lists_stays_without_a_letter_longest_waiting_first(ward):
    a_month(ward)
    found = missing(ward.connection, policy=EIGHT_DAYS, now=NOW)
    assert [(one.discharged_at, one.verdict) for one in found] == [
        (at("04 10:00"), Verdict.NEVER_SENT),
        (at("30 10:00"), Verdict.PENDING),
    ]
    assert found[0].as_json()["discharged_at"].isoformat() == "2026-03-04T10:00:00+01:00"


@pytest.mark.parametrize("french", [True, False])
def test_the_table_fits_eighty_columns_with_bars_and_reference_points(ward, french):
    a_month(ward)
    ward.move(moved("A03", "02 10:00", unit="Médecine polyvalente et gériatrique [B]", visit="V30", who=patient(30)))
    console = Console(width=80, record=True, force_terminal=False, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(to_table(told(ward), french=french))
        shown = console.export_text()
    assert max(map(len, shown.splitlines())) <= 80
    assert ("Séjours" in shown) is french
    assert "███···" in shown
    assert ("AP-HP 2006, 34 hôpitaux" if french else "AP-HP 2006, 34 hospitals") in shown
    assert ("48,0\u202f%" if french else "48.0%") in shown
    assert ("décès 1" if french else "death 1") in shown
    assert "[B]" in shown


def test_csv_has_one_line_per_group_and_one_for_all(ward):
    a_month(ward)
    header, *lines = to_csv(told(ward)).splitlines()
    assert header.startswith(
        "group,stays,in_time,late,never_sent,pending,share_in_time,median_seconds,p90_seconds,legs."
    )
    assert [line.split(",")[0] for line in lines] == ["A", "B", "total"]


@pytest.mark.parametrize(
    ("share", "shown"), [(None, "          "), (0.0, "··········"), (0.5, "█████·····"), (1.0, "██████████")]
)
def test_bars(share, shown):
    assert bar(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (42, "42 s"), (60, "1 min"), (3_660, "1 h 01"), (97_200, "1 d 3 h"), (900_000, "10 d")],
)
def test_durations(seconds, shown):
    assert ENGLISH.duration(seconds) == shown


@given(st.lists(st.integers(0, 10**6)))
def test_the_spread_is_the_middle_and_the_ninetieth_percentile(values):
    spread = Spread.of(np.array(values, dtype=np.int64))
    if not values:
        assert spread == Spread()
        return
    assert spread.median_seconds == int(statistics.median(values))
    at_most = sum(value <= spread.p90_seconds for value in values)
    below = sum(value < spread.p90_seconds for value in values)
    assert at_most * 10 >= 9 * len(values)
    assert below * 10 < 9 * len(values)


MOMENTS = st.integers(0, 20 * 86_400).map(lambda seconds: at("20 00:00") + timedelta(seconds=seconds))


POLICIES_OF_ALL_SHAPES = st.builds(
    Policy,
    name=st.just("any"),
    source=st.just(""),
    days=st.integers(0, 12),
    hours=st.none() | st.floats(0, 100),
    working=st.none() | st.builds(WorkingDays, region=st.sampled_from(["", "67"]), closes_at=st.none() | st.times()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(MOMENTS, st.none() | MOMENTS), min_size=1, max_size=20), MOMENTS, POLICIES_OF_ALL_SHAPES)
def test_tables_are_judged_as_the_pure_clock_judges_one_by_one(pairs, now, policy):
    lines = unpack(
        pack(Flag.ADT, legal_day(left).toordinal(), {Column.STARTED: left, Column.SENT: sent}) for left, sent in pairs
    )
    judged = [VERDICTS[code] for code in verdicts(lines, Deadlines(policy), now)]
    assert judged == [judge(left, sent, policy, now) for left, sent in pairs]


def test_durations_far_apart_do_not_overflow(ward):
    ward.write("L1", "31 10:00", left=at("02 10:00") - timedelta(days=45_000))
    ward.leg(Leg.ACCEPTED, "31 10:01", "L1-0")
    assert told(ward).total.taken.median_seconds > 45_000 * 86_400
