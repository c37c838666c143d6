"""`huitaine delays` as an administrator types it, on a database of its own."""

import csv
import io
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from gateway.delays.clock import PARIS
from gateway.delays.legs import Leg, record_leg
from tests.unit.delays.wards import Ward, moved, patient

delays = pytest.importorskip("commands.delays")
RUN = CliRunner()


@pytest.fixture
def asked(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """One stay sent in time, one waiting past its deadline, one without letter; then the command's own view of them."""
    today = datetime.now(UTC)

    def days_ago(days: int) -> datetime:
        return (today - timedelta(days=days)).astimezone(PARIS)

    for number, days in enumerate((20, 15, 12), start=1):
        left = days_ago(days)
        ward.move(moved("A03", "13 10:00", visit=f"V{number}", who=patient(number), zbe_2=left, evn_2=left, unit="U1"))
    ward.write("L1", visit="V1", patient=patient(1))
    ward.write("L2", visit="V2", patient=patient(2))
    record_leg(ward.connection, "L1-0", Leg.ACCEPTED, days_ago(19))
    monkeypatch.setenv("HUITAINE_LANG", "en")

    @contextmanager
    def reader():
        yield ward.connection

    place = SimpleNamespace(settings=SimpleNamespace(delays=SimpleNamespace(policy="8-days")), reader=reader)
    monkeypatch.setattr(delays, "installation", lambda: place)
    return lambda *words: RUN.invoke(delays.app, list(words))


def test_report_as_json(asked):
    answer = asked("report", "--format", "json")
    total = json.loads(answer.output)["total"]
    assert (answer.exit_code, total["stays"], total["in_time"], total["never_sent"]) == (0, 3, 1, 2)


def test_report_as_csv_and_table(asked):
    lines = list(csv.DictReader(io.StringIO(asked("report", "--format", "csv", "--by", "hospital").output)))
    assert [line["group"] for line in lines] == ["CHU-X", "total"]
    assert "Stays" in asked("report").output


def test_report_by_another_policy_and_period(asked):
    answer = asked("report", "--policy", "same-day", "--from", "2020-01-01", "--to", "2020-12-31", "--format", "json")
    shape = json.loads(answer.output)
    assert (shape["policy"], shape["total"]["stays"]) == ("same-day", 0)


def test_report_into_a_file(asked, tmp_path):
    assert asked("report", "--format", "json", "--output", str(tmp_path / "report.json")).output == ""
    assert json.loads((tmp_path / "report.json").read_text())["policy"] == "8-days"


def test_fail_if_late_exits_1_for_cron(asked):
    assert asked("report", "--fail-if-late").exit_code == 1
    assert asked("late", "--fail-if-late").exit_code == 1
    assert asked("missing", "--fail-if-late").exit_code == 1
    assert asked("report", "--to", "2020-12-31", "--fail-if-late").exit_code == 0


def test_late_and_missing(asked):
    (late,) = json.loads(asked("late", "--format", "json").output)
    assert (late["letter"], late["verdict"], late["seconds_left"] < 0) == ("L2", "never_sent", True)
    (missing,) = json.loads(asked("missing", "--format", "json").output)
    assert (missing["letter"], missing["unit"]) == (None, "U1")
    assert list(csv.reader(io.StringIO(asked("late", "--format", "csv").output)))[1][0] == "L2"
    assert "L2" in asked("late").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "--policy", "9-days"), "8-days, same-day"),
        (("report", "--from", "yesterday"), "2026-01-31"),
    ],
)
def test_a_wrong_option_is_one_clear_line_and_exit_2(asked, words, said):
    answer = asked(*words)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_report_that_cannot_be_written_is_exit_3(asked, tmp_path):
    assert asked("report", "--output", str(tmp_path / "no" / "report.json")).exit_code == 3
