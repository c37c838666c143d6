"""Sequences in which a letter could have been lost, doubled or called delivered without a word (promises B1 and B2)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from gateway.delays.tables import clock
from gateway.document import Reading
from gateway.errors import PeerRefused, PeerTimedOut, UnreadableDocument
from gateway.identifiers import LetterId
from gateway.letter import Done, Receipt, ReceiptKind, SealedMail, Step
from gateway.queue import holding, queries
from gateway.queue.accept import DELIVERY
from gateway.queue.schedule import decide
from gateway.service.receipts.hearing import AttemptUnderWay, Hearing
from gateway.service.receipts.message_ids import MessageIds
from gateway.service.senders.telling import Habits, Teller
from gateway.service.upkeep.orders import Orders
from tests.unit.joints.joined import SCHEDULE, Joined, NoStays, held
from tests.unit.queue.letters import NOON, letter

TO = "gp@test.example"


class Hop:
    """A next hop that is asked and has not answered yet."""

    def __init__(self) -> None:
        self.asked, self.answering = asyncio.Event(), asyncio.Event()

    async def deliver(self, mail: SealedMail, step: Step) -> Done:
        self.asked.set()
        await self.answering.wait()
        return Done(at=NOON)


def kinds(joined: Joined, name: LetterId) -> list[str]:
    with joined.store.reading() as connection:
        return [entry["kind"] for entry in queries.trace(connection, name)]


async def refused(mail: SealedMail, step: Step) -> Done:
    raise PeerRefused("no")


async def test_b2_a_last_attempt_that_may_have_left_is_told_as_such(joined: Joined):
    async def unsure(mail: SealedMail, step: Step) -> Done:
        error = PeerTimedOut("silence")
        error.ambiguous = True  # type: ignore[attr-defined]
        raise error

    joined.road.deliver_it = unsure
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(hours=48)
    await joined.round()
    row = joined.row(kept)
    assert (row["state"], row["attempts"], row["ambiguous"]) == ("expired", 2, 2)
    assert kinds(joined, kept.id).count("ambiguous") == 2


def test_b2_control_a_last_attempt_that_was_answered_cannot_have_left():
    ended = decide(PeerTimedOut(), SCHEDULE, attempts=9, since=NOON - timedelta(hours=48), now=NOON, chance=0)
    assert not ended.ambiguous


async def test_b2_a_clock_that_was_set_forward_takes_no_letter_from_whoever_sends_it(joined: Joined):
    hop = Hop()
    joined.road.deliver_it = hop.deliver
    kept = await joined.journey.keep(letter())
    await asyncio.wait_for(hop.asked.wait(), 30)
    await joined.store.write(lambda connection, jobs: [connection.execute(text(_OVER)) for _ in jobs], None)
    assert await joined.worker.recover() == 0
    hop.answering.set()
    await joined.settled()
    assert (joined.row(kept)["state"], joined.row(kept)["ambiguous"]) == ("done", 0)


async def test_b2_control_a_lease_that_nobody_works_on_is_taken_back(joined: Joined):
    hop = Hop()
    joined.road.deliver_it = hop.deliver
    kept = await joined.journey.keep(letter())
    await asyncio.wait_for(hop.asked.wait(), 30)
    for task in list(joined.worker._running):
        task.cancel()
    await joined.settled()
    await joined.store.write(lambda connection, jobs: [connection.execute(text(_OVER)) for _ in jobs], None)
    assert await joined.worker.recover() == 1
    assert joined.row(kept)["ambiguous"] == 1


_OVER = "UPDATE delivery SET lease_until = lease_until - 3600000000 WHERE state = 'leased'"


async def test_a_bounce_that_is_faster_than_our_commit_is_not_lost(joined: Joined, vault: Any):
    hop, ids = Hop(), MessageIds("hospital.test", vault.pseudonym)
    joined.road.deliver_it = hop.deliver
    kept = await joined.journey.keep(letter())
    await asyncio.wait_for(hop.asked.wait(), 30)
    hearing = Hearing(joined.store, ids, NoStays(), clock=joined.clock)  # type: ignore[arg-type]
    bounce = Receipt(kind=ReceiptKind.FAILED, message_id=ids(joined.row(kept)["id"], 1), addressee=TO, status="5.1.1")
    with pytest.raises(AttemptUnderWay):
        await hearing.hear([bounce])
    hop.answering.set()
    await joined.settled()
    await hearing.hear([bounce])
    assert joined.row(kept)["state"] == "failed"


@pytest.mark.parametrize(("minutes", "counts"), [(-3 * 1440, 0), (5, 5), (1440, 60)])
async def test_a_receipt_with_a_wrong_clock_makes_no_letter_arrive_before_it_left(
    joined: Joined, vault: Any, minutes: int, counts: int
):
    stamped: list[Any] = []

    class Stays(NoStays):
        def leg(self, delivery: str, leg: str, at: Any) -> Any:
            stamped.append((leg, at))
            return super().leg(delivery, leg, at)

    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(hours=1)
    ids = MessageIds("hospital.test", vault.pseudonym)
    hearing = Hearing(joined.store, ids, Stays(), clock=joined.clock)  # type: ignore[arg-type]
    name, at = joined.row(kept)["id"], NOON + timedelta(minutes=minutes)
    await hearing.hear([Receipt(kind=ReceiptKind.DISPLAYED, message_id=ids(name, 1), addressee=TO, at=at)])
    assert stamped == [("displayed", NOON + timedelta(minutes=counts))]


async def test_what_was_sent_again_while_its_sender_was_told_and_fails_again_is_told_again(joined: Joined):
    class SlowPost:
        told = 0

        async def deliver(self, mail: SealedMail, **asked: Any) -> None:
            self.told += 1
            if self.told == 1:
                order = {"act": "resend", "letter": kept.id, "why": "x", "actor": "y"}
                await Orders(joined.store, clock=joined.clock).obey(order)

    joined.road.deliver_it = refused
    post = SlowPost()
    habits = Habits(our_domain="hospital.test", report_to={}, warn_after=timedelta(hours=1), expire=timedelta(hours=48))
    teller = Teller(joined.store, post, habits, clock=joined.clock)  # type: ignore[arg-type]
    kept = await joined.journey.keep(letter())
    await joined.settled()
    await teller.tell()
    await joined.round()
    assert joined.row(kept)["state"] == "failed"
    await teller.tell()
    await teller.tell()
    assert post.told == 2


async def test_the_clock_of_what_is_sent_again_goes_on(joined: Joined):
    joined.road.deliver_it = refused
    kept = await joined.journey.keep(letter())
    await joined.settled()
    stamp = {"delivery_id": joined.row(kept)["id"], "letter_id": kept.id, "group_key": "L"}
    failed = stamp | {"matched": "letter", "counts": True, "role": "GP", "hospital": "", "received_at": NOON}
    row = clock.insert().values(**failed, accepted_at=NOON, failed_at=NOON, state="failed")
    await joined.store.write(lambda db, jobs: [db.execute(row) and None for _ in jobs], None)
    await Orders(joined.store, clock=joined.clock).obey({"act": "resend", "letter": kept.id, "why": "x", "actor": "y"})
    with joined.store.reading() as connection:
        assert connection.execute(select(clock.c.accepted_at, clock.c.failed_at)).one() == (None, None)


async def test_a_clock_that_was_set_back_makes_no_letter_wait_for_days(joined: Joined):
    joined.road.break_addressing = ValueError("x")
    joined.clock.forward(days=3)
    kept = await joined.journey.keep(letter())
    await joined.settled()
    joined.clock.forward(days=-3)
    joined.road.break_addressing = None
    await joined.round()
    assert joined.row(kept)["state"] == "done"


async def test_f5_what_was_held_or_not_planned_when_a_backup_was_made_may_have_left_since(joined: Joined):
    joined.road.outcomes = (held(),)
    waiting = await joined.journey.keep(letter(b"1"))
    await joined.settled()
    unplanned = await joined.store.keep(letter(b"2"))
    found = await joined.store.write(lambda db, jobs: [holding.hold(db, NOON, "x") for _ in jobs], None)
    assert found == [joined.row(waiting)["id"]]
    assert "ambiguous" in kinds(joined, waiting.id)
    assert "ambiguous" in kinds(joined, unplanned.id)
    assert (joined.row(waiting)["state"], joined.row(waiting)["ambiguous"]) == ("held", 0)


async def test_f10_what_is_let_go_after_a_restore_is_claimed_however_often_processes_died_of_it(joined: Joined):
    async def never(mail: SealedMail, step: Step) -> Done:
        raise PeerTimedOut("silence")

    joined.road.deliver_it = never
    kept = await joined.journey.keep(letter())
    await joined.settled()
    struck = update(DELIVERY).values(strikes=2)
    await joined.store.write(lambda db, jobs: [db.execute(struck) and holding.hold(db, NOON, "x") for _ in jobs], None)
    await joined.store.let_go("y")
    joined.road.deliver_it = _yes
    joined.clock.forward(hours=1)
    await joined.round()
    assert joined.row(kept)["state"] == "done"


async def _yes(mail: SealedMail, step: Step) -> Done:
    return Done(at=NOON)


async def test_a_letter_in_which_there_is_nothing_is_refused_and_not_forgotten(joined: Joined):
    async def nothing(content: bytes) -> Reading:
        return Reading(format="text")

    joined.road.read_it = nothing
    with pytest.raises(UnreadableDocument) as told:
        await joined.journey.keep_and_read(letter())
    assert [finding.code for finding in told.value.findings] == ["nothing-in-it"]
    assert not joined.keeper._under_way
