"""An absence is told in days, and a day is one of Europe/Paris, whatever zone the machine of the gateway keeps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from typer.testing import CliRunner

from commands.directory import app
from commands.directory_absence import end_of, told
from directory import Absence, Directory

RPPS, PARIS, SECOND = "99900000001", ZoneInfo("Europe/Paris"), timedelta(seconds=1)
Run = Callable[..., Result]


@pytest.fixture(params=["Europe/Paris", "UTC", "America/Martinique", "Indian/Reunion"], autouse=True)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    settings = tmp_path / "huitaine.toml"
    settings.write_text('[gateway]\nmode = "test"\ndata = "data"\n')
    monkeypatch.setenv("HUITAINE_CONFIG", str(settings))
    monkeypatch.setenv("HUITAINE_LANG", "en")
    return lambda *words: CliRunner().invoke(app, ["absence", RPPS, *words])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        ("2026-03-02", "2026-03-02", "2026-03-02 00:00", "2026-03-03 00:00"),
        ("2026-03-28", "2026-03-29", "2026-03-28 00:00", "2026-03-30 00:00"),  # a day of 23 hours
        ("2026-10-25", "2026-10-25", "2026-10-25 00:00", "2026-10-26 00:00"),  # a day of 25 hours
        ("2026-03-02 12:00:00", "2026-03-02 23:59:00", "2026-03-02 12:00", "2026-03-02 23:59"),
        ("2026-03-29", "2026-03-29 23:59:59", "2026-03-29 00:00", "2026-03-29 23:59:59"),
    ],
)
def test_it_covers_its_days_to_the_second(run: Run, tmp_path: Path, first: str, last: str, begins: str, ends: str):
    assert run("--from", first, "--to", last).exit_code == 0
    here = Directory.open(tmp_path / "data")
    away = [
        here.absence(RPPS, moment) is not None
        for moment in (at(begins) - SECOND, at(begins), at(ends) - SECOND, at(ends))
    ]
    here.close()
    assert away == [False, True, True, False]
    assert run("--from", first, "--remove").exit_code == 0


def test_those_that_were_declared_are_listed_as_they_were_typed(run: Run):
    run("--from", "2026-03-02", "--to", "2026-03-08", "--substitute", "99900000002")
    run("--from", "2099-07-01 12:00:00", "--to", "2099-07-31")
    lines = run().stdout
    for typed in ("2026-03-02", "2026-03-08", "99900000002", "2099-07-01 12:00:00", "2099-07-31"):
        assert typed in lines
    later, sooner = json.loads(run("--format", "json").stdout)
    assert later["substitute"] is None
    assert datetime.fromisoformat(sooner["ends_at"]) == at("2026-03-09")
    assert run("--from", "2099-07-01 12:00:00", "--remove").exit_code == 0
    assert len(json.loads(run("--format", "json").stdout)) == 1


@pytest.mark.parametrize("more", [("--to", "2026-03-08"), ("--remove",), ("--substitute", "99900000002")])
def test_without_its_first_day_nothing_is_declared_or_taken_back(run: Run, more: tuple[str, ...]):
    done = run(*more)
    assert (done.exit_code, "--from" in done.stderr) == (2, True)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-03-02", 24)])
def test_a_day_is_as_long_as_it_is(day: str, hours: int):
    assert end_of(datetime.fromisoformat(day)).timestamp() - at(day).timestamp() == hours * 3600


@pytest.mark.parametrize("end", ["2026-03-09 00:00", "2026-03-08 23:59", "2026-03-08 00:01"])
def test_its_last_day_is_told(monkeypatch: pytest.MonkeyPatch, end: str):
    monkeypatch.setenv("HUITAINE_LANG", "en")
    assert told(Absence(rpps=RPPS, starts_at=at("2026-03-02"), ends_at=at(end))).startswith("absent until 2026-03-08,")
