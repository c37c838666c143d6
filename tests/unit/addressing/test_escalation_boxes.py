"""Which other mailboxes an escalation proposes: never one that a colleague reads as his own."""

from __future__ import annotations

import pytest

from directory import Directory, add_entry
from gateway.delays.escalation import Step
from gateway.service.road.boxes import Nothing, proposed
from tests.unit.addressing import world


@pytest.fixture
def directory(folder):
    opened = Directory.open(folder)
    yield opened
    opened.close()


def of_practice(rpps, directory):
    return proposed(Step.ORGANISATION, rpps, directory, tried=(), now=world.NOW)


def test_the_mailbox_of_the_practice_is_proposed(directory, folder):
    (box,) = of_practice(world.PRACTICE_ONLY, directory)
    assert (box.mailbox, box.rpps) == ("secretariat@cabinet.mss.example", None)
    add_entry(folder, world.NO_BOX, box.mailbox)
    assert of_practice(world.PRACTICE_ONLY, directory) == (box,), "permitted to somebody else, it is still the house's"


def test_a_practices_mailbox_that_is_a_colleagues_own_is_not(directory):
    assert of_practice(world.GUEST, directory) == Nothing("no-organisation")
