"""What keeps a gateway from starting, or a command from being obeyed, is told in French too: each of our lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.french_lines import in_french

ROOT = Path(__file__).resolve().parents[3]
FILES = [
    *(ROOT / "config").glob("*.py"),
    *(ROOT / "gateway/service").rglob("*.py"),
    *(ROOT / "gateway/crypto").glob("*.py"),
]
REFUSALS = {
    "SettingsError",
    "SettingsRefused",
    "KeyStoreRefused",
    "JournalRefused",
    "DatabaseRefused",
    "StorageUnavailable",
}


def lines(tree: ast.AST) -> Iterator[str]:
    """Each refusal with a word of a person's, ``x`` where a fact stands."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in REFUSALS and call.args:
            text = spelled(call.args[0])
            if text.strip("x: "):
                yield text


def spelled(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(spelled(value) for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "x"


def every_line() -> list[str]:
    return sorted({line for path in FILES for line in lines(ast.parse(path.read_text()))})


def test_there_are_lines_to_be_found() -> None:
    assert len(every_line()) > 30
    assert list(lines(ast.parse('raise KeyStoreRefused(f"{name}: missing")'))) == ["x: missing"]


@pytest.mark.parametrize("line", every_line())
def test_each_refusal_has_its_french(line: str) -> None:
    if line == "directory: x":  # a code alone
        return
    assert in_french(line) != line
