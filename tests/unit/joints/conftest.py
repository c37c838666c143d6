"""The queue's own store and clock, and a road made of stations that do as the test says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.queue.store import Store
from tests.unit.joints.joined import Joined
from tests.unit.queue.conftest import Clock, clock, opened, store, vault

__all__ = ["clock", "opened", "store", "vault"]


@pytest.fixture
def joined(opened: Callable[[], Store], clock: Clock) -> Joined:
    return Joined.make(opened(), clock)
