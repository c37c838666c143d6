"""A database of its own for each test."""

from collections.abc import Callable, Iterator

import pytest

from tests.unit.delays.wards import Ward, close, new_ward


@pytest.fixture
def ward() -> Iterator[Ward]:
    ward = new_ward()
    yield ward
    close(ward)


@pytest.fixture
def new() -> Iterator[Callable[[], Ward]]:
    """Several wards in one test."""
    opened: list[Ward] = []

    def make() -> Ward:
        opened.append(new_ward())
        return opened[-1]

    yield make
    for ward in opened:
        close(ward)
