"""How commands speak: JSON, CSV and tables for scripts and people; French or English; codes never translate."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import typer

from commands.french_lines import LINES, in_french
from commands.output import Exit, Format, asked_language, count, emit, fail, first_command, language, to_json

AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HUITAINE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["huitaine"])


def test_durations_are_seconds_and_moments_iso_with_zone_at_any_depth():
    told = to_json({"a": timedelta(minutes=1.5), "rows": [{"b": (timedelta(days=1), AT)}], "é": "é"})
    assert json.loads(told) == {"a": 90.0, "rows": [{"b": [86400.0, "2026-01-15T09:30:00Z"]}], "é": "é"}
    assert "é" in told


def test_a_csv_has_the_same_durations_and_moments(capsys: pytest.CaptureFixture[str]):
    emit([{"a": timedelta(minutes=1), "b": AT, "c": 'x "y", z', "d": None}], Format.CSV)
    assert capsys.readouterr().out == 'a,b,c,d\n60.0,2026-01-15T09:30:00+00:00,"x ""y"", z",\n'


def test_a_table_obeys_no_control_character_or_markup_and_breaks_no_id(capsys: pytest.CaptureFixture[str]):
    emit([{"id": "0" * 26, "words": "\x1b[31mred\n[bold]x" + "w" * 60}], Format.TABLE, title="T")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred\\x0a[bold]x" in out
    assert "0" * 26 in out


def test_an_empty_listing_still_names_its_columns(capsys: pytest.CaptureFixture[str]):
    emit([], Format.CSV, columns=("a", "b"))
    emit([], Format.JSON, columns=("a", "b"))
    assert capsys.readouterr().out == "a,b\n[]\n"


@pytest.mark.parametrize(
    ("argv", "env", "wanted"),
    [
        ([], {}, "en"),
        ([], {"LANG": "fr_FR.UTF-8"}, "fr"),
        ([], {"LANG": "fr_FR.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        (["--lang", "fr", "letters"], {"LANG": "en_GB"}, "fr"),
        (["--lang=en", "--help"], {"LANG": "fr_FR", "HUITAINE_LANG": "fr"}, "en"),
        (["--config", "x.toml", "--lang", "fr", "--help"], {}, "fr"),
        (["letters", "cancel", "X", "--why", "--lang", "fr"], {}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_that_of_the_locale(
    argv: list[str], env: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", ["huitaine", *argv])
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert language() == wanted


def test_the_command_is_found_behind_the_options_before_it():
    assert first_command(["--config", "letters", "--lang=fr", "queue", "status"]) == "queue"
    assert first_command(["--help"]) == ""
    assert asked_language(["--lang"]) == ""


def test_each_language_has_its_own_plural(monkeypatch: pytest.MonkeyPatch):
    def words(number: int) -> str:
        return count(number, ("letter", "letters"), ("lettre", "lettres"))

    assert [words(n) for n in (0, 1, 2)] == ["0 letters", "1 letter", "2 letters"]
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    assert [words(n) for n in (0, 1, 2)] == ["0 lettre", "1 lettre", "2 lettres"]


def test_a_failure_is_a_line_for_each_thing_in_the_readers_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    with pytest.raises(typer.Exit) as left:
        fail("queue.worker: unknown key; the nearest known one is queue.workers\nsomething else", Exit.USAGE)
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == (
        "huitaine: queue.worker : clé inconnue ; la plus proche est queue.workers\nhuitaine: something else\n"
    )


@pytest.mark.parametrize("english", LINES)
def test_every_french_line_keeps_the_facts_of_the_english_one(english: str):
    facts = sorted(re.findall(r"\{(\w+)\}", english))
    assert sorted(re.findall(r"\{(\w+)\}", LINES[english])) == facts
    told = in_french(english.format(**{fact: f"<{fact}>" for fact in facts}))
    assert told == LINES[english].format(**{fact: f"<{fact}>" for fact in facts})
