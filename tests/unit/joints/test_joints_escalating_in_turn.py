"""Escalation where much is put off, and where a letter was taken and nobody ever confirmed it."""

from __future__ import annotations

import email
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from gateway import journal
from gateway.delays.clock import StopsAt
from gateway.delays.escalation import Rung, Step
from gateway.delays.legs import Leg, record_leg
from gateway.delays.unproved import Unproved
from gateway.delays.worklist import TaskState
from gateway.errors import StorageUnavailable
from gateway.letter import Proof
from gateway.queue.afterwards import Proving
from gateway.queue.store import Store
from gateway.rest import RestVault
from gateway.service.clock import escalating
from gateway.service.senders import telling
from gateway.service.senders.telling import Habits, Teller
from gateway.service.upkeep.orders import Orders
from tests.journeys.escalation_kit import FIRST, Story
from tests.unit.joints.test_joints_afterwards import Post
from tests.unit.queue.conftest import Clock

REMIND = (Rung(step=Step.REMIND, at=0.25),)


@pytest.fixture
def story(store: Store, clock: Clock, vault: RestVault, tmp_path: Path) -> Story:
    return Story.begin(store, clock, vault, tmp_path, proof=StopsAt.DELIVERED, rungs=REMIND)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def teller(story: Story, post: Post, monkeypatch: pytest.MonkeyPatch) -> Teller:
    return told_by(story, post, monkeypatch)


def told_by(story: Story, post: Post, monkeypatch: pytest.MonkeyPatch) -> Teller:
    monkeypatch.setattr(telling, "PATIENCE", 30.0)
    habits = Habits(our_domain="hospital.test", report_to={}, warn_after=timedelta(hours=1), expire=timedelta(hours=48))
    return Teller(story.store, post, habits, clock=story.clock)  # type: ignore[arg-type]


async def test_what_is_put_off_each_time_starves_no_other(story: Story, monkeypatch: pytest.MonkeyPatch):
    """Six letters, two a round: the first four cannot be worked on, and the other two are not behind them for ever."""
    monkeypatch.setattr(escalating, "A_ROUND", 2)
    letters = [await story.hands_in() for _ in range(6)]
    asked: list[str] = []
    found = story.escalating._found

    async def broken_for_four(letter: Unproved, step: Step, now: object) -> object:
        asked.append(letter.letter)
        if letter.letter in letters[:4]:
            raise StorageUnavailable("this chunk cannot be read now")
        return await found(letter, step, now)  # type: ignore[arg-type]

    monkeypatch.setattr(story.escalating, "_found", broken_for_four)
    story.clock.forward(hours=5 * 24)
    assert [await story.escalating.look() for _ in range(5)] == [0, 0, 2, 0, 0]
    assert asked == [*letters, *letters[:4]]  # those that were put off come round again, the longest waiting first


async def test_what_was_taken_and_never_confirmed_is_told_to_its_sender_once(story: Story, teller: Teller, post: Post):
    letter = await story.hands_in()
    await teller.tell()
    assert post.sent == []  # nothing is wrong so far
    await story.hours(3 * 24)
    assert story.steps() == [("remind", "sender-told")]
    for _ in range(3):
        await teller.tell()
    [mail] = post.sent
    report = email.message_from_bytes(mail.content)
    status, words = str(report.get_payload(1)), str(report.get_payload(0).get_payload(decode=True), "utf-8")
    assert ("Action: delayed" in status, "Status: 4.0.0" in status) == (True, True)
    assert "nobody" not in words
    assert "l'accusé attendu n'est pas revenu" in words
    assert said(story, letter, "reported") == ["unconfirmed"]


async def test_what_was_delivered_and_not_read_is_told_once_where_only_reading_counts(
    store: Store, clock: Clock, vault: RestVault, tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch
):
    story = Story.begin(store, clock, vault, tmp_path, proof=StopsAt.READ, rungs=REMIND)
    letter = await story.hands_in()
    delivery = story.row(letter)["id"]
    with story.store._disk.engine.begin() as connection:
        record_leg(connection, delivery, Leg.DELIVERED, story.clock())
    event = journal.proved(story.clock(), letter, delivery, receipt="dsn delivered", effect="delivered")
    await story.store.prove(Proving(delivery=delivery, proof=Proof.DELIVERED, event=event))
    await story.hours(3 * 24)
    teller = told_by(story, post, monkeypatch)
    for _ in range(3):
        await teller.tell()
    assert len(post.sent) == 1
    assert said(story, letter, "reported") == ["unread"]


async def test_what_a_person_cancels_after_it_failed_is_followed_up_no_more(
    store: Store, clock: Clock, vault: RestVault, tmp_path: Path
):
    rungs = (Rung(step=Step.PHONE, at=0.25), Rung(step=Step.PAPER, at=0.5))
    story = Story.begin(store, clock, vault, tmp_path, rungs=rungs)
    story.road.full = {FIRST}
    letter, other = await story.hands_in(), await story.hands_in()
    await story.hours(2 * 24 + 12)
    assert {story.row(each)["state"] for each in (letter, other)} == {"failed"}
    orders = Orders(story.store, clock=story.clock)
    order = {"act": "cancel", "letter": letter, "why": "given by hand", "actor": "m.test"}
    assert [await orders.obey(order) for _ in range(2)] == [{"deliveries": 1}, {"deliveries": 0}]
    await story.hours(6 * 24)
    taken = [task.kind for task in story.work() if task.letter == letter and task.state is not TaskState.CANCELLED]
    assert taken == []
    assert [task.kind for task in story.work() if task.letter == other] == [Step.PHONE, Step.PAPER]  # control


def said(story: Story, letter: str, kind: str) -> Sequence[str]:
    return [code for code, _ in story.said(letter, kind)]  # type: ignore[arg-type]
