"""Each refusal of the directory has its French words, and none of them speaks of another matter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from commands.directory_words import FRENCH

ROOT = Path(__file__).resolve().parents[3]
OF_SEVERAL = ("not-https", "no-authority", "fetch-failed", "too-large", "busy")
"""Codes of the white list, of the national files and of the delta alike."""


def codes() -> set[str]:
    """First words of every ``DirectoryError("…", …)`` of the package."""
    calls = (
        node
        for path in (ROOT / "directory").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DirectoryError"
    )
    return {call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)}


def test_every_code_that_the_directory_raises_has_its_words():
    found = codes()
    assert len(found) > 40
    assert found - set(FRENCH) == set()


@pytest.mark.parametrize("code", OF_SEVERAL)
def test_what_several_matters_share_names_none_of_them(code):
    assert "liste" not in FRENCH[code]
    assert "serveur de l'annuaire" not in FRENCH[code]
