"""The moments that lock rows, again on PostgreSQL."""

from __future__ import annotations

from tests.unit.joints import test_joints_opposition as story
from tests.unit.joints import test_opposition_outside_a_stay as outside
from tests.unit.joints.test_joints_opposition import make, ward
from tests.unit.queue.conftest import clock, vault
from tests.unit.queue.test_both_engines import address, opened

__all__ = ["address", "clock", "make", "opened", "vault", "ward"]

test_before_its_dot = story.test_an_opposition_that_comes_while_the_letter_is_on_its_way_stops_it_before_the_dot
test_an_agreement = story.test_a_patient_who_agrees_after_all_lets_it_go
test_outside_a_stay = outside.test_a_letter_that_waits_is_held_until_the_patient_agrees
test_a_merge = outside.test_a_merge_holds_what_waits_under_the_other_number
