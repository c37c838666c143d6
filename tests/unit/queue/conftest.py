"""A store on a disk of its own and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.crypto.vault import create_master_key
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from tests.unit.queue.letters import NOON


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vault(tmp_path: Path) -> RestVault:
    create_master_key(tmp_path / "master-key")
    return RestVault.open(tmp_path / "master-key")


@pytest.fixture
def opened(tmp_path: Path, vault: RestVault, clock: Clock) -> Iterator[Callable[[], Store]]:
    """Opens the store; a second call closes the first one, as a restart would."""
    stores: list[Store] = []

    def open_store() -> Store:
        for store in stores:
            store.close()
        stores[:] = [Store(tmp_path / "data", vault, limits=Limits(free_share=0), clock=clock)]
        return stores[0]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()
