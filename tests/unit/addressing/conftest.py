"""The world, built once; each test gets its own copy to add keys, entries and absences to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from directory import Directory
from gateway.addressing import Addressing, AddressingPolicy
from gateway.letter import Addressed, Held, ParsedLetter
from tests.unit.addressing import world

Address = Callable[..., tuple[Addressed | Held, ...]]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    world.build(folder)
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    for name in ("directory.db", "whitelist.db"):
        shutil.copy(built / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def address(folder: Path) -> Iterator[Address]:
    directory = Directory.open(folder)

    def outcomes(parsed: ParsedLetter, policy: AddressingPolicy | None = None) -> tuple[Addressed | Held, ...]:
        rules = policy or world.policy()
        return Addressing(directory=directory, policy=rules, clock=lambda: world.NOW).address(parsed).outcomes

    yield outcomes
    directory.close()
