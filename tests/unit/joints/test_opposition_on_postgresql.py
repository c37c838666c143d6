"""What a patient opposes is held and let go on PostgreSQL too: locks of joined rows, partial indexes, merges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.queue.store import Store
from gateway.rest import RestVault
from tests.peers.postgresql import running_postgresql
from tests.unit.joints.test_joints_opposition import make, ward
from tests.unit.joints.test_whose_word_it_is import (
    test_a_letter_that_its_stay_alone_ties_to_the_patient_is_held_and_let_go,
    test_a_merge_that_is_overruled_takes_the_opposition_with_it,
)
from tests.unit.queue.conftest import Clock
from tests.unit.queue.engines import opened_on_postgresql

__all__ = [
    "make",
    "test_a_letter_that_its_stay_alone_ties_to_the_patient_is_held_and_let_go",
    "test_a_merge_that_is_overruled_takes_the_opposition_with_it",
    "ward",
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
