"""A listing that is opened in a spreadsheet runs nothing that a letter brought (CWE-1236)."""

from __future__ import annotations

import csv
import io

import pytest

from commands.output import _csv


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+cmd", "-cmd|' /C calc'!A0", "@SUM(1)", "\t=1"])
def test_no_cell_starts_a_formula(text: str) -> None:
    ((_,), (cell,)) = csv.reader(io.StringIO(_csv([{"name": text}], ["name"]), newline=""))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["-3.5", "+2", "TESTINI", "", "01KAZ"])
def test_numbers_and_names_stay_as_they_are(text: str) -> None:
    ((_,), (cell,)) = csv.reader(io.StringIO(_csv([{"name": text, "more": 1}], ["name"]), newline=""))
    assert cell == text


def test_a_carriage_return_makes_no_row_of_its_own() -> None:
    assert list(csv.reader(io.StringIO(_csv([{"name": "A\r=1"}], ["name"]), newline=""))) == [["name"], ["A =1"]]
