"""What a patient opposes is held and let go on PostgreSQL too: locks of joined rows, partial indexes, merges."""

from __future__ import annotations

from tests.unit.joints.test_joints_opposition import make, ward
from tests.unit.joints.test_whose_word_it_is import (
    test_a_letter_that_its_stay_alone_ties_to_the_patient_is_held_and_let_go,
    test_a_merge_that_is_overruled_takes_the_opposition_with_it,
)
from tests.unit.queue.engines import address, opened

__all__ = [
    "address",
    "make",
    "opened",
    "test_a_letter_that_its_stay_alone_ties_to_the_patient_is_held_and_let_go",
    "test_a_merge_that_is_overruled_takes_the_opposition_with_it",
    "ward",
]
