"""The page of the matrix: what is told without having been tried names its source, and a client that fails is seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.interoperability import forms
from tests.interoperability.plugin import BAD, Cell, Matrix

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interoperability.md"


def test_every_source_that_a_cell_names_stands_below():
    named = {number for told in forms.DOCUMENTED.values() for number in re.findall(r"\[(\d+)\]", told)}
    assert named == set(re.findall(r"^(\d+)\. ", forms.NOTES, re.MULTILINE))
    assert all(row in forms.ROWS and client in forms.CLIENTS for row, client in forms.DOCUMENTED)
    assert all(told.startswith(("documented", "no: documented")) for told in forms.DOCUMENTED.values())


def test_the_page_has_every_form_and_every_client():
    text = PAGE.read_text(encoding="utf-8")
    assert f"| | {' | '.join(forms.CLIENTS)} |" in text
    assert all(f"| {row} | " in text for row in forms.ROWS)


class Session:
    exitstatus = pytest.ExitCode.OK


@pytest.mark.parametrize(("outcome", "worse"), [("yes", False), (BAD, True), ("no: it says so", False)])
def test_a_cell_that_got_worse_fails_the_run(tmp_path: Path, outcome: str, worse: bool):
    page, session = tmp_path / "page.md", Session()
    page.write_text("## T\n\n| | c |\n|---|---|\n| r | yes |\n")
    matrix = Matrix(page)
    matrix.cells.append(Cell(table="T", row="r", column="c", outcome=outcome))
    matrix.pytest_sessionfinish(session)  # type: ignore[arg-type]
    assert session.exitstatus == (pytest.ExitCode.TESTS_FAILED if worse else pytest.ExitCode.OK)
    assert f"| r | {outcome} |" in page.read_text()
