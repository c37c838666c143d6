"""Stories of the full box again on PostgreSQL: each step once, and bytes erased, whichever database remembers."""

from __future__ import annotations

from tests.journeys.test_the_gps_box_is_full import (
    story,
    test_a_next_hop_that_is_down_is_one_alert_however_many_letters_wait,
    test_a_restart_between_the_decision_and_its_effect_leaves_each_step_once,
    test_control_without_the_row_of_the_step_the_same_decision_is_carried_out_again_and_again,
    test_his_other_box_takes_it_and_nothing_more_is_done,
    test_the_gps_box_is_full_for_nine_days_and_a_person_prints_the_letter,
)
from tests.unit.queue.conftest import clock, store, vault
from tests.unit.queue.engines import address, opened

__all__ = [
    "address",
    "clock",
    "opened",
    "store",
    "story",
    "test_a_next_hop_that_is_down_is_one_alert_however_many_letters_wait",
    "test_a_restart_between_the_decision_and_its_effect_leaves_each_step_once",
    "test_control_without_the_row_of_the_step_the_same_decision_is_carried_out_again_and_again",
    "test_his_other_box_takes_it_and_nothing_more_is_done",
    "test_the_gps_box_is_full_for_nine_days_and_a_person_prints_the_letter",
    "vault",
]
