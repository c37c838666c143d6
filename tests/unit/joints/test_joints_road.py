"""The road's joints: what was promised is never lost between two stations."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from gateway.document import Finding, Movement, Patient, Reading, Severity, Stay
from gateway.errors import ReadingFailed, StorageFull, UnreadableDocument
from gateway.letter import SealedMail, Step
from gateway.queue.accept import CHUNK
from gateway.queue.endings import Endings
from tests.unit.joints.joined import Joined, reading
from tests.unit.queue.letters import NOON, letter


def unreadable() -> UnreadableDocument:
    finding = Finding(severity=Severity.ERROR, place="line 3", code="bad-line", message="cut short")
    return UnreadableDocument((finding,))


async def test_a_mail_with_a_movement_and_a_document_carries_its_document(joined: Joined):
    moved = Movement(trigger="A03", patient=Patient(family="ESSAI", given="ANNE"), stay=Stay(visit="1"))

    async def both(content: bytes) -> Reading:
        return reading(movements=(moved,))

    joined.road.read_it = both
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert joined.row(kept)["state"] == "done"


async def test_a_movement_alone_is_erased_after_its_time(joined: Joined):
    moved = Movement(trigger="A03", patient=Patient(family="ESSAI", given="ANNE"), stay=Stay(visit="1"))

    async def alone(content: bytes) -> Reading:
        return Reading(format="hl7v2", movements=(moved,))

    joined.road.read_it = alone
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert kept.id not in await joined.store.tidy()
    joined.clock.forward(hours=25)
    assert kept.id in await joined.store.tidy()


async def test_one_damaged_letter_does_not_stop_those_behind_it(joined: Joined):
    bad, good = await joined.store.keep(letter(b"one")), await joined.store.keep(letter(b"two"))
    with joined.store._disk.engine.begin() as connection:
        connection.execute(update(CHUNK).where(CHUNK.c.letter_id == bad.id).values(data=b"x" * 60))
    await joined.round()
    assert joined.rows(bad) == []
    assert joined.row(good)["state"] == "done"


async def test_a_letter_that_breaks_addressing_is_not_tried_every_second_and_ends_before_a_person(joined: Joined):
    joined.road.break_addressing = RuntimeError("a bug")
    kept = await joined.journey.keep(letter())
    await joined.settled()
    tried = joined.keeper.strikes(kept.id)
    await joined.round()
    assert joined.keeper.strikes(kept.id) == tried, "tried again at once"
    for _ in range(5):
        joined.clock.forward(minutes=10)
        await joined.round()
    assert joined.row(kept)["state"] == "held"
    assert joined.row(kept)["reason"] == "road-broken"


async def test_the_clock_leaves_a_letter_alone_while_its_door_is_reading_it(joined: Joined):
    reads, begun, go = 0, asyncio.Event(), asyncio.Event()

    async def slow(content: bytes) -> Reading:
        nonlocal reads
        reads += 1
        begun.set()
        await go.wait()
        raise unreadable()

    joined.road.read_it = slow
    at_door = asyncio.create_task(joined.journey.keep_and_read(letter()))
    await asyncio.wait_for(begun.wait(), 60)
    behind = asyncio.create_task(joined.keeper.resume(joined.journey.travel))
    await asyncio.sleep(0.05)
    go.set()
    with pytest.raises(UnreadableDocument):
        await at_door
    await behind
    assert reads == 1


async def test_a_letter_whose_door_failed_is_taken_up_by_the_clock(joined: Joined):
    answers: list[Exception | None] = [ReadingFailed("slow"), None]

    async def once(content: bytes) -> Reading:
        if error := answers.pop(0):
            raise error
        return reading()

    joined.road.read_it = once
    with pytest.raises(ReadingFailed):
        await joined.journey.keep_and_read(letter())
    await joined.round()
    assert joined.road.sent == ["gp@test.example"]


async def test_a_replay_that_cannot_be_read_any_more_does_not_close_the_letter_that_is_under_way(joined: Joined):
    received = letter(key=b"same")
    await joined.journey.keep_and_read(received)
    await joined.settled()
    first = joined.row(received.id)

    async def refused(content: bytes) -> Reading:
        raise unreadable()

    joined.road.read_it = refused
    with pytest.raises(UnreadableDocument):
        await joined.journey.keep_and_read(letter(received.content, key=b"same"))
    assert joined.row(received.id) == first
    assert joined.letter(received.id)["reason"] == ""


async def test_what_is_due_leaves_also_while_new_letters_keep_coming(joined: Joined):
    stuck = asyncio.Event()

    async def slow(mail: SealedMail, step: Step):
        await stuck.wait()
        raise ReadingFailed("x")

    joined.road.deliver_it = slow
    for n in range(8):  # twice the slots
        await joined.journey.keep(letter(str(n).encode()))
    await joined.keeper.drain(5)
    assert joined.worker.under_way == 8
    await joined.store.keep(letter(b"late"))
    joined.keeper.worker = None
    await joined.keeper.resume(joined.journey.travel)
    assert await joined.worker.sweep() == 1, "what is due starves behind what is new"
    stuck.set()
    await joined.settled()


async def test_an_ending_that_could_not_be_written_is_written_later(joined: Joined, monkeypatch: pytest.MonkeyPatch):
    real, failures = joined.store.finish, [StorageFull("full"), StorageFull("full")]

    async def full(finishing):
        if failures:
            raise failures.pop()
        return await real(finishing)

    monkeypatch.setattr(joined.store, "finish", full)
    monkeypatch.setattr("gateway.queue.worker.REWRITE", 0.01)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert joined.row(kept)["state"] == "done"
    assert joined.road.sent == ["gp@test.example"]


async def test_an_attempt_whose_ending_cannot_be_made_is_tried_again(joined: Joined, monkeypatch: pytest.MonkeyPatch):
    broken = [RuntimeError("bug")]

    def once(self, *arguments):
        if broken:
            raise broken.pop()
        return real(self, *arguments)

    real = Endings.done
    monkeypatch.setattr(Endings, "done", once)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    assert joined.row(kept)["state"] == "ready"
    joined.clock.now = NOON + timedelta(hours=2)
    await joined.round()
    assert joined.row(kept)["state"] == "done"


async def test_letters_waiting_for_a_slot_do_not_fill_the_memory(joined: Joined, monkeypatch: pytest.MonkeyPatch):
    stuck = asyncio.Event()

    async def slow(mail: SealedMail, step: Step):
        await stuck.wait()
        raise ReadingFailed("x")

    monkeypatch.setattr("gateway.queue.worker.BUDGET", 100)
    joined.road.deliver_it = slow
    for n in range(3):
        await joined.journey.keep(letter(str(n).encode() * 60))
        await joined.keeper.drain(5)
    assert joined.worker.under_way == 2  # the second one found room for itself, the third did not
    stuck.set()
    await joined.settled()
