"""When which step is due: a table of decisions, then any order of rounds, restarts and proofs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.delays.escalation import Ladder, Rung, Span, Step, Taken, due

CAME = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EIGHT = Span(start=CAME, deadline=CAME + timedelta(days=8))
LADDER = Ladder(
    rungs=(
        Rung(step=Step.REMIND, at=0.25),
        Rung(step=Step.OTHER_BOX, at=0.4),
        Rung(step=Step.PHONE, at=0.7),
        Rung(step=Step.PAPER, at=0.8),
    ),
    least=timedelta(hours=24),
    pause=timedelta(hours=4),
)
HOUR = timedelta(hours=1)


def at(days: float) -> datetime:
    return CAME + timedelta(days=days)


def taken(*steps: tuple[Step, float], effect: bool = True) -> dict[Step, Taken]:
    return {step: Taken(at=at(days), effect=effect) for step, days in steps}


@pytest.mark.parametrize(
    ("now", "done", "wanted"),
    [
        (at(0), {}, None),
        (at(1.99), {}, None),
        (at(2), {}, Step.REMIND),
        (at(2.1), taken((Step.REMIND, 2)), None),
        (at(3.2), taken((Step.REMIND, 2)), Step.OTHER_BOX),
        (at(7), {}, Step.REMIND),
        (at(7), taken((Step.REMIND, 7)), None),
        (at(7) + 4 * HOUR, taken((Step.REMIND, 7)), Step.OTHER_BOX),
        (at(7), taken((Step.REMIND, 7), effect=False), Step.OTHER_BOX),
        (at(7), taken((Step.REMIND, 2), (Step.OTHER_BOX, 3.2), (Step.PHONE, 5.6)), Step.PAPER),
        (at(30), taken((Step.REMIND, 2), (Step.OTHER_BOX, 3.2), (Step.PHONE, 5.6), (Step.PAPER, 7)), None),
    ],
    ids=[
        "as it comes nothing",
        "a moment too early nothing",
        "a quarter of the time",
        "the next one has its own time",
        "and comes at it",
        "what was missed begins with the first",
        "two of what was missed never come at once",
        "but a pause apart",
        "what found nothing to do makes nobody wait",
        "a person's work last",
        "and then never again",
    ],
)
def test_the_step_that_is_due(now: datetime, done: dict[Step, Taken], wanted: Step | None):
    assert due(now, EIGHT, done, LADDER, proved=False) is wanted


@pytest.mark.parametrize("days", [0, 2, 7, 30])
def test_after_a_proof_nothing_is_due(days: float):
    assert due(at(days), EIGHT, {}, LADDER, proved=True) is None


def test_a_letter_that_comes_after_its_deadline_has_a_day():
    late = Span(start=CAME, deadline=CAME - timedelta(days=4))
    assert due(CAME + 5 * HOUR, late, {}, LADDER, proved=False) is None
    assert due(CAME + 6 * HOUR, late, {}, LADDER, proved=False) is Step.REMIND


def test_without_steps_nothing_is_ever_due():
    assert due(at(30), EIGHT, {}, Ladder(), proved=False) is None


MOMENTS = st.lists(st.floats(0, 20), max_size=60)


@settings(max_examples=300, deadline=None)
@given(rounds=MOMENTS, proof=st.none() | st.floats(0, 20), crashes=st.sets(st.integers(0, 60)), order=st.booleans())
def test_whatever_the_rounds_each_step_comes_once_in_order_and_none_after_a_proof(
    rounds: list[float], proof: float | None, crashes: set[int], order: bool
):
    """A crash loses the decision and its effect together: they are one transaction. Clocks may be set back."""
    done: dict[Step, Taken] = {}
    effects: list[tuple[Step, float]] = []
    for number, days in enumerate(sorted(rounds) if order else rounds):
        proved = proof is not None and any(earlier >= proof for earlier in rounds[: number + 1])
        step = due(at(days), EIGHT, done, LADDER, proved=proved)
        if step is None or number in crashes:
            continue
        assert not proved
        effects.append((step, days))
        done[step] = Taken(at=at(days))
    steps = [step for step, _ in effects]
    assert steps == [rung.step for rung in LADDER.rungs][: len(steps)]
    for step, days in effects:
        share = next(rung.at for rung in LADDER.rungs if rung.step is step)
        assert days >= 8 * share - 1e-9


def test_control_a_memory_that_is_lost_takes_a_step_twice():
    assert due(at(2), EIGHT, {}, LADDER, proved=False) is due(at(2), EIGHT, {}, LADDER, proved=False) is Step.REMIND
