"""A letter that was posted is said to be, in the report, the lists and the journal, and is no electronic proof."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.delays import facts
from gateway.delays.clock import EIGHT_DAYS, Verdict
from gateway.delays.legs import Leg
from gateway.delays.lists import late
from gateway.delays.posting import post, posted_days
from gateway.delays.render import notes
from gateway.delays.report import report
from gateway.delays.words import words
from gateway.identifiers import DeliveryId
from tests.unit.delays.wards import Ward, at, moved

NOW, DAY = at("31 12:00"), date(2026, 3, 20)


@pytest.fixture
def posted(ward: Ward) -> Ward:
    ward.move(moved("A03", "13 10:00"))
    ward.write()
    ward.leg(Leg.FAILED, "14 10:00")
    assert post(ward.connection, "L1-0", DAY)
    return ward


def test_it_is_told_beside_the_figures_and_changes_none(posted: Ward):
    told = report(posted.connection, policy=EIGHT_DAYS, now=NOW)
    assert (told.total.never_sent, told.total.in_time, told.total.posted) == (1, 0, 1)
    assert told.total.as_json()["posted"] == 1
    assert ("1", words(french=False).remarks["posted"]) in notes(told, words(french=False))


def test_the_list_of_late_letters_says_so(posted: Ward):
    (only,) = late(posted.connection, policy=EIGHT_DAYS, now=NOW)
    assert (only.verdict, only.posted, only.as_json()["posted"]) == (Verdict.NEVER_SENT, True, True)


def test_the_first_day_that_is_told_stays(posted: Ward):
    assert not post(posted.connection, "L1-0", date(2026, 3, 25))
    assert posted_days(posted.connection, "L1") == {"L1-0": DAY}
    assert posted_days(posted.connection, "L2") == {}


def test_once_an_electronic_proof_comes_it_is_counted_as_that(posted: Ward):
    posted.leg(Leg.DELIVERED, "20 18:00")
    total = report(posted.connection, policy=EIGHT_DAYS, now=NOW).total
    assert (total.in_time, total.posted) == (1, 0)


def test_it_is_drawn_from_the_journal(ward: Ward, new):
    tie = ward.write("L1", "13 12:00", visit=None, left=at("13 10:00"))
    fresh = new()
    told = [facts.letter_timed(tie.rows, at("13 12:00")), facts.posted(DeliveryId("L1-0"), DAY, at("20 12:00"))]
    facts.draw(fresh.connection, told)
    assert report(fresh.connection, policy=EIGHT_DAYS, now=NOW).total.posted == 1
    assert posted_days(fresh.connection, "L1") == {"L1-0": DAY}
