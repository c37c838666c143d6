"""A database that cannot be asked silences no other alarm."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import load
from gateway.moments import utc_now
from gateway.service.build import build
from gateway.service.installing import install
from gateway.service.running import Running


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    settings = install(tmp_path).settings
    text = re.sub(r"(port = )\d+", r"\g<1>0", settings.read_text(encoding="utf-8"))
    settings.write_text(text.replace("[gateway]\n", "[gateway]\nmetrics_port = 0\n"), encoding="utf-8")
    async with Running(build(load(settings), clock=utc_now)) as gateway:
        yield gateway


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
