"""docs/sealing.md: each rule has a witness that is there, and no rule that code calls by its number is missing."""

from __future__ import annotations

import re

from tests.test_docs import CODE, TEST, known_tests, page, prose, sources

NAMED = re.compile(r"\bCR-\d\d\b")
ROW = re.compile(r"^\| (CR-\d\d) \|(.*)\|$", re.MULTILINE)
LATER = {"CR-31"}


def rules() -> dict[str, set[str]]:
    """The witnesses of each rule."""
    return {
        number: {word for word in CODE.findall(row) if TEST.fullmatch(word)}
        for number, row in ROW.findall(page("sealing.md"))
    }


def test_every_rule_is_there_and_has_a_witness():
    told = rules()
    assert list(told) == [f"CR-{number:02}" for number in range(1, 39)]
    assert {number for number, witnesses in told.items() if not witnesses} == LATER
    assert set().union(*told.values()) <= known_tests()


def test_every_rule_that_code_calls_by_its_number_is_told():
    called = {each for path in sources("gateway", "directory") for text in prose(path) for each in NAMED.findall(text)}
    assert called
    assert called <= set(rules())
