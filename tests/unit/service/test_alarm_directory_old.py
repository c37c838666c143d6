"""National files older than `directory.stale_days` are an alarm, until newer ones or a delta come."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import structlog

from directory import import_files
from gateway.service.process.metrics import AlarmCollector
from gateway.service.running import Running
from tests.unit.directory.synthetic import MAILBOX_HEADER, mailbox_line, write


def published(folder: Path, running: Running, *, days: float) -> Path:
    """A national file whose name says that it is that old."""
    stamp = f"{running.watch.clock() - timedelta(days=days):%Y%m%d%H%M}"
    lines = iter([MAILBOX_HEADER, mailbox_line("gp@medecin.example", "899000000001")])
    return write(folder / f"Extraction_Correspondance_MSSante_{stamp}.txt", lines)


async def look(running: Running) -> list[str]:
    with structlog.testing.capture_logs() as said:
        await running.watch.look()
    return [line["event"] for line in said if line.get("code") == "directory-old"]


def figure(running: Running) -> list[float]:
    families = {family.name: family for family in AlarmCollector(running.watch).collect()}
    return [round(sample.value) for sample in families["huitaine_directory_days"].samples]


async def test_it_opens_when_they_are_old_and_is_over_with_newer_ones(running: Running, tmp_path: Path):
    data = running.watch.folder
    import_files(data, [published(tmp_path, running, days=12)])
    assert await look(running) == ["alarm"]
    assert figure(running) == [12]
    import_files(data, [published(tmp_path, running, days=1)])
    assert await look(running) == ["alarm-over"]
    assert figure(running) == [1]


async def test_control_files_of_last_week_and_none_at_all_are_no_alarm(running: Running, tmp_path: Path):
    assert await look(running) == []
    import_files(running.watch.folder, [published(tmp_path, running, days=7)])
    assert await look(running) == []
