"""`huitaine delays` as an administrator types it, on a database of its own."""

import csv
import io
import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from config.sections import Delays
from gateway.delays.clock import PARIS
from gateway.delays.legs import Leg, record_leg
from tests.unit.delays.wards import Ward, at, moved, patient

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

    place = SimpleNamespace(settings=SimpleNamespace(delays=Delays()), reader=reader)
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


def test_a_page_is_self_contained_and_tells_nothing_of_so_few_stays(asked, tmp_path):
    answer = asked("report", "--format", "html", "--output", str(tmp_path / "report.html"))
    assert (answer.exit_code, answer.output) == (0, "")
    page = (tmp_path / "report.html").read_text()
    assert "too few to be shared" in page
    assert "<table" not in page


def test_the_same_page_for_the_hospital_itself_shows_them(asked, tmp_path):
    asked("report", "--format", "html", "--internal", "--output", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert "<table" in page
    assert "U1" in page


def test_a_pdf_goes_to_a_file_or_a_pipe(asked, tmp_path):
    assert asked("report", "--format", "pdf", "--internal").stdout_bytes.startswith(b"%PDF-")
    assert asked("report", "--format", "pdf", "--output", str(tmp_path / "report.pdf")).exit_code == 0
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_shared_report_of_three_stays_tells_no_figure(asked):
    shape = json.loads(asked("report", "--format", "json", "--shared").output)
    assert (shape["shared"], shape["rows"]) == (True, [])
    assert set(shape["total"].values()) == {None}
    assert list(csv.reader(io.StringIO(asked("report", "--format", "csv", "--shared").output)))[1:] == []


def test_lists_fit_eighty_columns_with_a_bar_per_row(asked, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in (("late",), ("missing",), ("conflicts",), ("report",)):
        shown = asked(*words).output
        assert max(map(len, shown.splitlines())) <= 80
    assert "██████" in asked("late").output


def test_a_policy_of_working_days_and_of_results(asked):
    for policy in ("same-working-day", "lab-results"):
        shape = json.loads(asked("report", "--policy", policy, "--format", "json").output)
        assert shape["policy"] == policy
    assert shape["total"]["stays"] == 0


def test_conflicting_discharges_are_listed_with_all_that_was_told(asked, ward):
    ward.move(moved("A03", "13 10:00", visit="V9", who=patient(9), pv1_45=at("11 10:00"), evn_6=at("12 09:00")))
    (told,) = json.loads(asked("conflicts", "--format", "json").output)
    assert told["told_by"] == "PV1-45"
    assert [told[name][:10] for name in ("PV1-45", "ZBE-2", "EVN-6")] == ["2026-03-11", "2026-03-13", "2026-03-12"]
    assert "11/03 10:00" in asked("conflicts").output


def test_without_matplotlib_a_page_is_one_clear_line(asked, ward, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for number in range(30, 36):
        ward.move(moved("A03", "01 10:00", visit=f"V{number}", who=patient(number)))
    answer = asked("report", "--format", "html")
    assert answer.exit_code == 2
    assert "huitaine[report]" in answer.stderr
