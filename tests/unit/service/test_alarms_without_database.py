"""A database that cannot be asked silences no other alarm."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.service.running import Running


@contextlib.contextmanager
def unreadable() -> Iterator[Any]:
    raise sqlite3.OperationalError("disk I/O error")
    yield


async def test_f8_a_look_that_cannot_ask_the_database_still_judges_the_rest(running: Running, monkeypatch):
    watch = running.watch
    await watch.look()
    monkeypatch.setattr(watch.store, "reading", unreadable, raising=False)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0, "total": 1}))
    with pytest.raises(sqlite3.OperationalError):
        await watch.look()
    assert "disk-low" in watch.board.open


async def test_f8_control_a_look_that_can_ask_finds_nothing_wrong(running: Running):
    await running.watch.look()
    assert "disk-low" not in running.watch.board.open
