"""Stories of the full box again on PostgreSQL: each step once, and bytes erased, whichever database remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.queue.store import Store
from gateway.rest import RestVault
from tests.journeys.test_the_gps_box_is_full import (
    story,
    test_a_next_hop_that_is_down_is_one_alert_however_many_letters_wait,
    test_a_restart_between_the_decision_and_its_effect_leaves_each_step_once,
    test_control_without_the_row_of_the_step_the_same_decision_is_carried_out_again_and_again,
    test_his_other_box_takes_it_and_nothing_more_is_done,
    test_the_gps_box_is_full_for_nine_days_and_a_person_prints_the_letter,
)
from tests.peers.postgresql import running_postgresql
from tests.unit.queue.conftest import Clock, clock, store, vault
from tests.unit.queue.engines import opened_on_postgresql

__all__ = [
    "clock",
    "store",
    "story",
    "test_a_next_hop_that_is_down_is_one_alert_however_many_letters_wait",
    "test_a_restart_between_the_decision_and_its_effect_leaves_each_step_once",
    "test_control_without_the_row_of_the_step_the_same_decision_is_carried_out_again_and_again",
    "test_his_other_box_takes_it_and_nothing_more_is_done",
    "test_the_gps_box_is_full_for_nine_days_and_a_person_prints_the_letter",
    "vault",
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running_postgresql() as found:
        yield found


@pytest.fixture
def opened(tmp_path: Path, address: str, vault: RestVault, clock: Clock) -> Iterator[Callable[[], Store]]:
    """As the fixture of the same name, on a schema of its own."""
    with opened_on_postgresql(tmp_path, address, vault, clock) as open_store:
        yield open_store
