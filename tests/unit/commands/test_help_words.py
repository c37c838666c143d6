"""Help for a first-time user: every command says what it does, in both languages, with an example that can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

import cli
from commands.contents import COMMANDS
from commands.help_words import EXAMPLES, FRENCH

WORDS_OF_ENGLISH = re.compile(r"\b(?:the|and|with|what|that|is|of)\b")


def helps(monkeypatch: pytest.MonkeyPatch, language: str) -> dict[str, str]:
    monkeypatch.setenv("HUITAINE_LANG", language)
    root = typer.main.get_command(cli.application())
    return {" ".join(path): command.help or "" for path, command in leaves(root)}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from leaves(one, (*path, name))


def test_every_command_is_told_in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    french = helps(monkeypatch, "fr")
    assert sorted(french.keys() - FRENCH.keys()) == []
    for path, text in french.items():
        said = re.sub(r"Exemple : [^\n]*|`[^`]*`|huitaine \w+ \w+", "", text)
        assert not WORDS_OF_ENGLISH.search(said), (path, said)


@pytest.mark.parametrize(("language", "lead"), [("en", "Example: "), ("fr", "Exemple : ")])
def test_every_command_has_an_example_of_itself(monkeypatch: pytest.MonkeyPatch, language: str, lead: str) -> None:
    for path, text in helps(monkeypatch, language).items():
        assert text.count(lead) == 1, path
        typed = text.partition(lead)[2].partition("\n")[0]
        assert shlex.split(typed)[: 1 + len(path.split())] == ["huitaine", *path.split()], path


def test_options_in_the_examples_are_options_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITAINE_LANG", "en")
    for path, command in leaves(typer.main.get_command(cli.application())):
        known = {option for parameter in command.params for option in parameter.opts}
        typed = (command.help or "").partition("Example: ")[2].partition("\n")[0]
        assert {word for word in typed.split() if word.startswith("--")} <= known, path


def test_the_language_of_one_run_does_not_stay_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    assert helps(monkeypatch, "fr")["letters show"].startswith("Montrer")
    assert helps(monkeypatch, "en")["letters show"].startswith("Show")


def test_no_french_help_is_kept_for_a_command_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    known = helps(monkeypatch, "en").keys()
    assert (FRENCH.keys() | EXAMPLES.keys()) - known == set()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_list_of_commands_reads_the_same_whether_they_are_loaded_or_not(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("HUITAINE_LANG", language)
    named, loaded, one = (CliRunner().invoke(cli.application(typed), ["--help"]) for typed in ([], None, ["keys"]))
    assert loaded.exit_code == 0
    assert len(loaded.output.splitlines()) > len(COMMANDS)
    assert named.output == one.output == loaded.output
