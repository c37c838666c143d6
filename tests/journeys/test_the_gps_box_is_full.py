"""A letter that does not arrive: who is told, where it goes instead, and that everything happens once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from gateway import journal
from gateway.delays.clock import StopsAt
from gateway.delays.escalation import Rung, Step
from gateway.delays.legs import Leg
from gateway.delays.worklist import TaskState
from gateway.document import Wishes
from gateway.errors import HuitaineError
from gateway.queue.afterwards import Noting, Telling
from gateway.queue.entries import ENTRY
from gateway.queue.store import Store
from gateway.rest import RestVault
from gateway.service.clock import escalating
from gateway.service.clock.escalated import Taking
from gateway.service.clock.staybook import cancelled
from tests.journeys.escalation_kit import FIRST, PRACTICE, SECOND, STAND_IN, Story, directory
from tests.unit.queue.conftest import Clock, clock, opened, store, vault
from tests.unit.queue.letters import NOON

__all__ = ["clock", "opened", "store", "vault"]
ALL_FULL = {FIRST, SECOND, PRACTICE, STAND_IN}


@pytest.fixture
def story(store: Store, clock: Clock, vault: RestVault, tmp_path: Path) -> Story:
    return Story.begin(store, clock, vault, tmp_path)


def alerts(story: Story) -> list[tuple[str, str]]:
    with story.store.reading() as connection:
        wanted = select(ENTRY.c.kind, ENTRY.c.code).where(ENTRY.c.kind.like("alert%")).order_by(ENTRY.c.seq)
        return [(row.kind, row.code) for row in connection.execute(wanted)]


async def test_the_gps_box_is_full_for_nine_days_and_a_person_prints_the_letter(story: Story):
    story.road.full = set(ALL_FULL)
    story.away()
    letter = await story.hands_in()
    await story.hours(9 * 24)
    assert story.steps() == [
        ("remind", "sender-told"),
        ("other-box", "sent"),
        ("organisation", "sent"),
        ("substitute", "sent"),
        ("phone", "task"),
        ("paper", "task"),
    ]
    assert [task.kind for task in story.work(TaskState.WAITING)] == [Step.PHONE, Step.PAPER]
    tried = {story.store.target(letter, row["id"], row["addressee"]).mailbox for row in story.rows(letter)}
    assert tried == ALL_FULL
    assert story.road.reached == []
    assert story.store.recall(letter) is not None, "its bytes are still there to be printed"


async def test_the_sender_hears_once_more_and_not_more_often(story: Story):
    story.road.full = set(ALL_FULL)
    letter = await story.hands_in()
    heard = []
    for _ in range(20):
        await story.hours(12)
        (first, *_) = story.rows(letter)
        if not first["reported"]:
            heard.append(first["id"])
            said = Telling(
                deliveries=(first["id"],), what="failed", event=journal.reported(NOON, letter, code="failed")
            )
            await story.store.tell(said)
    assert len(heard) == 2


async def test_his_other_box_takes_it_and_nothing_more_is_done(story: Story):
    story.road.full = {FIRST}
    letter = await story.hands_in()
    await story.hours(9 * 24)
    assert story.steps() == [("remind", "sender-told"), ("other-box", "sent")]
    assert story.road.reached == [(SECOND, "mss-tls")]
    assert story.work() == []
    assert [row["state"] for row in story.rows(letter)] == ["failed", "done"]
    assert story.store.recall(letter) is None, "and its bytes go when their time is over"


async def test_control_a_letter_that_arrives_is_left_alone(story: Story):
    await story.hands_in()
    await story.hours(9 * 24)
    assert (story.steps(), story.road.reached, alerts(story)) == ([], [(FIRST, "mss-tls")], [])


async def test_a_box_that_refuses_electronic_mail_is_never_tried(
    store: Store, clock: Clock, vault: RestVault, tmp_path: Path
):
    story = Story.begin(store, clock, vault, tmp_path, known=directory(tmp_path, accepts="N"))
    story.road.full = {FIRST}
    await story.hands_in()
    await story.hours(9 * 24)
    assert story.steps()[1:3] == [("other-box", "no-other-box"), ("organisation", "sent")]
    assert [box for box, _ in story.road.reached] == [PRACTICE]


async def test_what_the_hospital_masks_meanwhile_goes_nowhere_not_on_paper_either(story: Story):
    story.road.full = set(ALL_FULL)
    await story.hands_in()
    story.road.wishes = Wishes(hidden_from_professionals=True)
    story.road.full = set()
    await story.hours(9 * 24)
    told = dict(story.steps())
    assert (told["other-box"], told["organisation"]) == ("hidden-from-professionals", "hidden-from-professionals")
    assert told["paper"] == "hidden-from-professionals"
    assert story.road.reached == []
    assert [task.kind for task in story.work()] == [Step.PHONE]


async def test_the_proof_comes_late_and_what_is_not_printed_is_cancelled(story: Story):
    story.road.full = set(ALL_FULL)
    letter = await story.hands_in()
    await story.hours(8 * 24)
    (first, *_) = story.rows(letter)
    leg = story.stays.leg(first["id"], Leg.DELIVERED.value, story.clock.now)
    await story.store.note(Noting(also=(leg,)))
    await story.passes()
    assert {(task.kind, task.state, task.why) for task in story.work()} == {
        (Step.PHONE, TaskState.CANCELLED, "proved"),
        (Step.PAPER, TaskState.CANCELLED, "proved"),
    }
    assert [words for code, words in story.said(letter, "task") if code.startswith("cancelled")] == ["proved"] * 2


async def test_a_letter_that_a_person_cancels_is_not_followed_up(story: Story):
    story.road.full = set(ALL_FULL)
    letter = await story.hands_in()
    await story.hours(6 * 24)
    assert len(story.rows(letter)) > 1
    for row in story.rows(letter):
        await story.store.note(Noting(also=(cancelled(row["id"], at=story.clock.now),)))
    done = story.steps()
    await story.hours(4 * 24)
    assert story.steps() == done
    assert {task.state for task in story.work()} <= {TaskState.CANCELLED}


async def test_a_restart_between_the_decision_and_its_effect_leaves_each_step_once(
    opened: Callable[[], Store], clock: Clock, vault: RestVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The process ends in the middle of the transaction, then once more behind the commit, before anybody heard."""
    known = directory(tmp_path)
    story = Story.begin(opened(), clock, vault, tmp_path, known=known)
    story.road.full = set(ALL_FULL)
    letter = await story.hands_in()
    clock.forward(days=6)
    whole = escalating.take_steps

    def dies_inside(connection: Connection, jobs: Sequence[Taking]) -> Sequence[object]:
        whole(connection, jobs)
        raise RuntimeError("the process ends before the commit")

    decided: list[Taking] = []

    def remembered(connection: Connection, jobs: Sequence[Taking]) -> Sequence[object]:
        decided.extend(jobs)
        return whole(connection, jobs)

    monkeypatch.setattr(escalating, "take_steps", dies_inside)
    with pytest.raises((RuntimeError, HuitaineError)):
        await story.escalating.look()
    assert story.steps() == []
    story = Story.begin(opened(), clock, vault, tmp_path, known=known)
    story.road.full = set(ALL_FULL)
    monkeypatch.setattr(escalating, "take_steps", remembered)
    await story.escalating.look()
    clock.forward(hours=5)
    await story.escalating.look()
    story = Story.begin(opened(), clock, vault, tmp_path, known=known)
    for again in decided:  # the same decisions, carried out by somebody else as well
        assert await story.store.write(whole, again) == ()
    assert story.steps() == [("remind", "sender-told"), ("other-box", "sent")]
    assert len(story.rows(letter)) == 2


async def test_control_without_the_row_of_the_step_the_same_decision_is_carried_out_again_and_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gateway.service.clock.escalated.take", lambda *_: True)
    story.road.full = set(ALL_FULL)
    letter = await story.hands_in()
    await story.hours(4 * 24, each=24)
    assert [code for code, _ in story.said(letter, "escalation")] == ["remind"] * 2


async def test_a_next_hop_that_is_down_is_one_alert_however_many_letters_wait(story: Story):
    story.road.full = set(ALL_FULL)
    for _ in range(5):
        await story.hands_in()
    await story.hours(3 * 24)
    assert [kind for kind, _ in alerts(story)] == ["alert"]
    story.road.full = set()
    await story.hours(24)
    assert [kind for kind, _ in alerts(story)] == ["alert", "alert-over"]
    assert len({code for _, code in alerts(story)}) == 1


async def test_where_only_a_delivery_counts_what_was_taken_and_never_confirmed_is_followed_up(
    store: Store, clock: Clock, vault: RestVault, tmp_path: Path
):
    rungs = (Rung(step=Step.REMIND, at=0.25), Rung(step=Step.PHONE, at=0.5))
    story = Story.begin(store, clock, vault, tmp_path, proof=StopsAt.DELIVERED, rungs=rungs)
    await story.hands_in()
    await story.hours(5 * 24)
    assert story.steps() == [("remind", "sender-told"), ("phone", "task")]
