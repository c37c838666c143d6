"""Promise B4: when it is tried again, when sender and operator hear, when it ends; and what is held stays known."""

# ruff: noqa: F811 (fixtures of the queue's own tests)

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from config.escalation import Escalation
from config.sections import Queue
from gateway.errors import PeerDeferred
from gateway.letter import GiveUp, RetryAt, SealedMail, Step
from gateway.queue import queries
from gateway.queue.schedule import Schedule, decide
from gateway.queue.store import Store
from tests.unit.joints.joined import Joined, held
from tests.unit.queue.conftest import Clock, clock, opened, store, vault  # noqa: F401 (fixtures)
from tests.unit.queue.letters import NOON, letter

SHIPPED = Queue()
TABLE = (1, 2, 5, 10, 20, 60, 60)


def life(schedule: Schedule, *, chance: float) -> tuple[list[timedelta], GiveUp]:
    """Every wait of a letter whose next hop never takes it, and its end."""
    now, waits = NOON, []
    for attempts in range(1, 1000):
        outcome = decide(PeerDeferred(), schedule, attempts=attempts, since=NOON, now=now, chance=chance)
        if isinstance(outcome, GiveUp):
            return waits, outcome
        assert isinstance(outcome, RetryAt)
        waits.append(outcome.at - now)
        now = outcome.at
    raise AssertionError("it never ends")


def shipped(hours: float = SHIPPED.expire_hours) -> Schedule:
    waits = tuple(timedelta(minutes=minutes) for minutes in SHIPPED.retry_minutes)
    return Schedule(waits=waits, expire=timedelta(hours=hours), jitter=SHIPPED.jitter)


def test_b4_the_shipped_table_is_1_2_5_10_20_then_60_minutes_to_the_end():
    waits, end = life(shipped(), chance=0.5)
    assert tuple(wait / timedelta(minutes=1) for wait in waits[: len(TABLE)]) == TABLE
    assert {wait / timedelta(minutes=1) for wait in waits[len(TABLE) :]} == {60}
    assert (end.expired, end.status) == (True, "4.4.7")
    assert timedelta(hours=47) < end.at - NOON <= timedelta(hours=48)


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999999])
def test_b4_the_jitter_is_a_fifth_and_never_prolongs_a_life(chance: float):
    waits, end = life(shipped(), chance=chance)
    for wait, minutes in zip(waits, TABLE, strict=False):
        assert abs(wait / timedelta(minutes=minutes) - 1) <= 0.2 + 1e-9
    assert end.at - NOON <= timedelta(hours=48)


def test_b4_five_days_are_the_most_that_may_be_set():
    _, end = life(shipped(hours=120), chance=0.5)
    assert end.at - NOON > timedelta(hours=118)
    with pytest.raises(ValueError, match="120"):
        Queue(expire_hours=121)


def test_b4_the_sender_hears_after_an_hour_and_the_operator_after_a_quarter_of_one():
    assert (Escalation().warn_sender_minutes, Escalation().alert_operator_minutes) == (60, 15)


async def test_b4_a_late_letter_is_news_for_its_sender_after_an_hour_and_not_before(
    opened: Callable[[], Store], clock: Clock
):
    joined = Joined.make(opened(), clock)

    async def deferred(mail: SealedMail, step: Step) -> None:
        raise PeerDeferred("busy")

    joined.road.deliver_it = deferred
    await joined.journey.keep(letter())
    await joined.settled()
    assert news(joined, late=clock() + timedelta(minutes=59) - timedelta(hours=1)) == []
    assert news(joined, late=clock() + timedelta(minutes=61) - timedelta(hours=1)) == ["delayed"]


async def test_b4_a_held_letter_is_news_again_every_two_days_and_never_expires(
    opened: Callable[[], Store], clock: Clock
):
    joined = Joined.make(opened(), clock)
    joined.road.outcomes = (held("unknown-number"),)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    after, told = timedelta(days=SHIPPED.held_days), 0
    for _ in range(4 * 24 + 12):
        await joined.an_hour_later()
        told += len(await joined.store.remind(after))
    assert joined.row(kept)["state"] == "held"
    assert told == 2, "after two and after four days"
    with joined.store.reading() as connection:
        kinds = [entry["kind"] for entry in queries.trace(connection, kept.id)]
    assert kinds.count("held-still") == told
    assert news(joined, late=NOON) == ["held"], "its sender is to hear of it"


async def test_b4_control_without_reminders_a_held_letter_that_was_told_once_is_silent(
    opened: Callable[[], Store], clock: Clock
):
    joined = Joined.make(opened(), clock)
    joined.road.outcomes = (held("unknown-number"),)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    for _ in range(2 * 24 + 12):
        await joined.an_hour_later()
    assert joined.row(kept)["reminded_at"] is None


def news(joined: Joined, *, late: datetime) -> list[str]:
    """What there is to tell."""
    with joined.store.reading() as connection:
        return [row["what"] for row in queries.untold(connection, delayed_since=late)]
