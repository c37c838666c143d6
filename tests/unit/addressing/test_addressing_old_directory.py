"""National files that are old: whoever is looked for in them may have moved, and the trace says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from directory import Directory
from gateway.addressing import Addressing
from gateway.document import Wishes
from tests.unit.addressing import world
from tests.unit.addressing.world import codes, document, letter, named, patient, policy

TEN = timedelta(days=10)


def station(folder: Path, age: timedelta) -> Addressing:
    """Where the files are that old."""
    directory = Directory.open(folder)
    made = directory.as_of()
    assert made is not None
    return Addressing(directory=directory, policy=policy(stale_after=TEN), clock=lambda: made + age)


@pytest.mark.parametrize(("days", "told"), [(9.9, False), (10.1, True)])
@pytest.mark.parametrize("rpps", [world.ONE, world.UNKNOWN])
def test_beyond_its_days_it_is_told_of_who_is_found_and_of_who_is_not(folder, days, told, rpps):
    parsed = letter(document(named(rpps=rpps)))
    (outcome,) = station(folder, timedelta(days=days)).address(parsed).outcomes
    assert ("directory-old" in codes(outcome)) is told
    assert outcome.reasons[-1].code != "directory-old"


def test_how_old_it_is_is_told_in_days(folder):
    parsed = letter(document(named(rpps=world.ONE)))
    (outcome,) = station(folder, timedelta(days=40, hours=7)).address(parsed).outcomes
    (words,) = (reason.words for reason in outcome.reasons if reason.code == "directory-old")
    assert "40 days" in words


def test_a_patients_mailbox_does_not_come_from_it(folder):
    parsed = letter(document(who=patient(), wishes=Wishes(to_patient=True)))
    (outcome,) = station(folder, timedelta(days=400)).address(parsed).outcomes
    assert "directory-old" not in codes(outcome)


def test_without_any_file_there_is_no_age(tmp_path):
    directory = Directory.open(tmp_path)
    assert directory.as_of() is None
    addressing = Addressing(directory=directory, policy=policy(stale_after=TEN), clock=lambda: world.NOW)
    (outcome,) = addressing.address(letter(document(named(rpps=world.ONE)))).outcomes
    assert "directory-old" not in codes(outcome)
