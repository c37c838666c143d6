"""Whatever comes in whatever order: the figures are those of a slow clerk, the journal's, and the same every time."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.delays import facts
from gateway.delays.clock import EIGHT_DAYS, SAME_DAY, Policy
from gateway.delays.figures import By
from gateway.delays.measure import Figure, Question, measured
from gateway.delays.report import answer
from gateway.delays.tables import timing
from tests.unit.delays.oracle import figures
from tests.unit.delays.streams import BEGIN, Told, shuffled, stream, tell
from tests.unit.delays.wards import Ward, close, new_ward

STREAMS = int(os.environ.get("DELAY_STREAMS", "80"))
NOW = BEGIN + timedelta(days=21, hours=7)
POLICIES = (EIGHT_DAYS, SAME_DAY, replace(EIGHT_DAYS, name="final letters", partial_counts=False))


def counted(ward: Ward, question: Question) -> dict[str, object]:
    """The report's figures in the oracle's shape."""
    cohorts = measured(ward.connection, question)
    total = answer(ward.connection, question, cohorts).total
    names = ("in_time", "late", "never_sent", "pending", "letter_only", "by_identity", "conflicts", "unmatched_letters")
    counts = {name: getattr(total, name) for name in names} | {why.value: n for why, n in total.apart.items()}
    taken = [s for cohort, found in cohorts.items() if not cohort.apart for s in found.figures[Figure.TAKEN].tolist()]
    return {"counts": {name: n for name, n in counts.items() if n}, "taken": sorted(s for s in taken if s >= 0)}


def lines(ward: Ward) -> list[tuple[object, ...]]:
    return [tuple(row) for row in ward.connection.execute(select(timing).order_by(timing.c.key))]


def check(ward: Ward, seed: int) -> None:
    """One stream, told in a random order, against the oracle; ``ward`` is emptied first."""
    dice = random.Random(seed)  # noqa: S311
    told = shuffled(stream(dice), dice)
    emptied(ward)
    tell(ward, told)
    agree(ward, told, POLICIES[seed % len(POLICIES)], seed)


def check_whole(ward: Ward, seed: int, *, orders: int = 2) -> None:
    """One stream: as it happened, under each policy, in other orders of arrival, and from its journal."""
    dice = random.Random(seed)  # noqa: S311
    told = stream(dice)
    emptied(ward)
    journal = tell(ward, told)
    for policy in POLICIES:
        agree(ward, told, policy, seed)
    drawn = lines(ward)
    for _ in range(orders):
        emptied(ward)
        tell(ward, shuffled(told, dice))
        assert lines(ward) == drawn, f"seed {seed}, another order"
    emptied(ward)
    facts.draw(ward.connection, journal)
    assert lines(ward) == drawn, f"seed {seed}, from the journal"


def agree(ward: Ward, told: Sequence[Told], policy: Policy, seed: int) -> None:
    expected = figures(told, NOW, policy.days, partial_counts=policy.partial_counts)
    assert counted(ward, Question(policy=policy, by=By.SERVICE, now=NOW)) == expected, f"seed {seed}, {policy.name}"


def emptied(ward: Ward) -> None:
    for table in ("movement", "stay", "clock", "timing"):
        ward.connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608


@pytest.mark.parametrize("block", range(4))
def test_random_streams_end_as_the_oracle_says_in_any_order_and_from_the_journal(block: int):
    ward = new_ward()
    for seed in range(block, STREAMS, 4):
        check_whole(ward, seed)
    close(ward)


def test_control_an_oracle_with_another_limit_is_noticed():
    ward, differences = new_ward(), 0
    for seed in range(80):
        told = stream(random.Random(seed))  # noqa: S311
        emptied(ward)
        tell(ward, told)
        differences += counted(ward, Question(policy=EIGHT_DAYS, now=NOW)) != figures(told, NOW, 3)
    close(ward)
    assert differences > 5
