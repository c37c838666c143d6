"""A letter that its sender marked urgent has the limit that the settings give to such, in every figure and list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from config.sections import DelayLimit, Delays
from gateway.delays import facts
from gateway.delays.clock import EIGHT_DAYS, LAB_RESULTS, Limit, Policy, Whose, policy_named
from gateway.delays.legs import Leg
from gateway.delays.lists import late
from gateway.delays.measure import Question, measured
from gateway.delays.render import notes
from gateway.delays.report import answer, report
from gateway.delays.unproved import Clocks, unproved
from gateway.delays.words import words
from gateway.service.from_settings.policies import policies_of
from tests.unit.delays.wards import Ward, at, moved, patient

HURRIED = replace(EIGHT_DAYS, limits=(Limit(urgent=True, hours=24),))
NOW = at("31 12:00")


def two_letters(ward: Ward) -> None:
    """Both leave two days after the discharge; the second is urgent."""
    for number, urgent in ((1, False), (2, True)):
        who = patient(number)
        ward.move(moved("A03", "13 10:00", visit=f"V{number}", who=who))
        ward.write(f"L{number}", "13 12:00", visit=f"V{number}", patient=who, is_urgent=urgent)
        ward.leg(Leg.ACCEPTED, "15 10:00", f"L{number}-0")


def test_the_settings_give_urgent_letters_a_limit_of_their_own():
    limits = (DelayLimit(policy="8-days", urgent=True, hours=24), DelayLimit(policy="8-days", unit="PSY1", days=15))
    eight = policy_named("8-days", policies_of(Delays(limits=limits)))
    psy = Whose(hospital="CHU-X", unit="PSY1")
    assert (eight.for_these(psy).days, eight.for_these(replace(psy, urgent=True)).hours) == (15, 24)
    assert Limit(urgent=False, days=3).fits(psy)
    assert not Limit(urgent=False, days=3).fits(replace(psy, urgent=True))


@pytest.mark.parametrize(("policy", "in_time", "urgent_in_time"), [(EIGHT_DAYS, 2, 1), (HURRIED, 1, 0)])
def test_the_report_judges_and_counts_them(ward: Ward, policy: Policy, in_time: int, urgent_in_time: int):
    two_letters(ward)
    told = report(ward.connection, policy=policy, now=NOW)
    assert (told.total.stays, told.total.in_time, told.total.late) == (2, in_time, 2 - in_time)
    assert (told.total.urgent, told.total.urgent_in_time) == (1, urgent_in_time)
    assert ("1", words(french=True).remarks["urgent"]) in notes(told, words(french=True))


def test_a_shared_report_does_not_tell_by_difference_of_a_few_that_were_late(ward: Ward):
    for number in range(8):
        who = patient(number)
        ward.move(moved("A03", "13 10:00", visit=f"V{number}", who=who))
        ward.write(f"L{number}", "13 12:00", visit=f"V{number}", patient=who, is_urgent=True)
        ward.leg(Leg.ACCEPTED, "15 10:00" if number < 2 else "13 15:00", f"L{number}-0")
    question = Question(policy=HURRIED, now=NOW, shared=True)
    shared = answer(ward.connection, question, measured(ward.connection, question)).total
    assert (shared.urgent, shared.urgent_in_time) == (8, None)
    assert report(ward.connection, policy=HURRIED, now=NOW).total.urgent_in_time == 6


def test_the_list_of_late_letters_says_which_are_urgent(ward: Ward):
    two_letters(ward)
    (only,) = late(ward.connection, policy=HURRIED, now=at("15 12:00"), sent_since=at("13 00:00"))
    assert (only.letter, only.urgent, only.as_json()["urgent"], only.deadline) == ("L2", True, True, at("14 10:00"))
    assert late(ward.connection, policy=EIGHT_DAYS, now=at("15 12:00"), sent_since=at("13 00:00")) == ()


def test_escalation_hurries_with_them(ward: Ward):
    for letter, urgent in (("01TAAAAAAAAAAAAAAAAAAAAAA1", False), ("01TAAAAAAAAAAAAAAAAAAAAAA2", True)):
        ward.write(letter, "13 12:00", visit=None, left=at("13 10:00"), is_urgent=urgent)
    clocks = Clocks(stay=HURRIED, result=LAB_RESULTS, proof=HURRIED.stops_at)
    found = unproved(ward.connection, clocks, at("13 13:00"))
    assert [(one.letter[-1], one.span.deadline) for one in found] == [("2", at("14 10:00")), ("1", at("22 00:00"))]


def test_urgency_is_drawn_from_the_journal(ward: Ward, new):
    tie = ward.write("L1", "13 12:00", visit=None, left=at("13 10:00"), is_urgent=True)
    fresh = new()
    facts.draw(fresh.connection, [facts.letter_timed(tie.rows, at("13 12:00"))])
    assert report(fresh.connection, policy=HURRIED, now=NOW).total.urgent == 1
