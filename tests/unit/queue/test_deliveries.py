"""Station 7's rows: leases are fenced, every ending is written once, nothing open is forgotten."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from gateway import journal
from gateway.errors import PeerDeferred, PeerRefused, StorageUnavailable
from gateway.letter import DeliveryState, Done, GiveUp, KeptLetter, Proof, RetryAt
from gateway.queue import queries
from gateway.queue.accept import DELIVERY
from gateway.queue.afterwards import Acting, Noting, Proving
from gateway.queue.deliveries import Also, Finishing, Waiting
from gateway.queue.entries import ENTRY, broken_links
from gateway.queue.leases import Lease
from gateway.queue.planning import Dispatch, make_plan
from gateway.queue.schedule import Schedule, decide
from gateway.queue.store import Store
from tests.unit.queue.letters import NOON, STARTING, WAITING, addressed, claiming, letter, recovering

SCHEDULE = Schedule(
    waits=tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 60)), expire=timedelta(hours=48)
)


async def planned(
    store: Store, *, dispatch: Dispatch = STARTING, mailbox: str | None = "gp@test.example"
) -> tuple[KeptLetter, Lease]:
    kept = await store.keep(letter())
    plan = make_plan(store, [addressed(kept, mailbox=mailbox)], now=NOON, dispatch=dispatch)
    assert await store.plan(plan.planning)
    return kept, plan.steps[0].lease


def state(store: Store, lease: Lease) -> str:
    with store.reading() as connection:
        return queries.delivery(connection, lease.delivery)["state"]


async def test_a_letter_is_planned_once(store: Store):
    kept = await store.keep(letter())
    plan = make_plan(store, [addressed(kept)], now=NOON, dispatch=STARTING)
    assert await store.plan(plan.planning)
    assert not await store.plan(plan.planning)


async def test_a_done_delivery_closes_its_letter(store: Store):
    kept, lease = await planned(store)
    assert await store.finish(Finishing(lease=lease, outcome=Done(at=NOON)))
    assert state(store, lease) == "done"
    with store.reading() as connection:
        assert queries.letter(connection, kept.id)["state"] == "final"


async def test_c2_whoever_lost_the_lease_changes_nothing(store: Store):
    _, lease = await planned(store)
    await store.recover(recovering())
    (mine,) = await store.claim(claiming())
    assert not await store.finish(Finishing(lease=lease, outcome=Done(at=NOON)))
    assert state(store, mine) == "leased"
    assert await store.finish(Finishing(lease=mine, outcome=Done(at=NOON)))  # negative control: the holder may


async def test_a_row_is_claimed_by_one_only(store: Store):
    await planned(store, dispatch=WAITING)
    first = await store.claim(claiming(NOON))
    second = await store.claim(claiming(NOON))
    assert (len(first), len(second)) == (1, 0)


async def test_a_deferred_delivery_comes_back_when_it_is_due_and_not_before(store: Store):
    _, lease = await planned(store)
    later = NOON + timedelta(minutes=1)
    await store.finish(Finishing(lease=lease, outcome=RetryAt(at=later, status="4.4.1", reason="x")))
    assert await store.claim(claiming(NOON)) == []
    assert len(await store.claim(claiming(later))) == 1


async def test_a_held_delivery_is_looked_at_again_after_an_hour(store: Store, clock):
    _, lease = await planned(store, mailbox=None)
    await store.tidy()
    assert state(store, lease) == "held"
    clock.forward(minutes=61)
    await store.tidy()
    assert state(store, lease) == "ready"


async def test_waiting_again_keeps_the_count_of_attempts(store: Store):
    _, lease = await planned(store)
    await store.finish(Finishing(lease=lease, outcome=Waiting(at=NOON, reason="no-key", since=NOON)))
    with store.reading() as connection:
        row = queries.delivery(connection, lease.delivery)
    assert (row["state"], row["reason"], row["attempts"]) == ("held", "no-key", 0)


async def test_a_proof_is_raised_and_never_lowered(store: Store):
    _, lease = await planned(store)
    for proof in (Proof.DISPLAYED, Proof.DELIVERED):
        event = journal.proved(NOON, lease.letter, lease.delivery, receipt="dsn", effect="")
        await store.prove(Proving(delivery=lease.delivery, proof=proof, event=event))
    await store.finish(Finishing(lease=lease, outcome=Done(at=NOON)))
    with store.reading() as connection:
        assert queries.delivery(connection, lease.delivery)["proof"] == Proof.DISPLAYED


@pytest.mark.parametrize(("proof", "ends"), [(Proof.NONE, "failed"), (Proof.DELIVERED, "done")])
async def test_a_bounce_counts_only_while_nothing_better_is_proved(store: Store, proof: Proof, ends: str):
    _, lease = await planned(store)
    await store.finish(Finishing(lease=lease, outcome=Done(at=NOON)))
    event = journal.proved(NOON, lease.letter, lease.delivery, receipt="dsn", effect="")
    await store.prove(Proving(delivery=lease.delivery, proof=proof, event=event))
    await store.prove(Proving(delivery=lease.delivery, bounced=True, status="5.1.1", event=event))
    assert state(store, lease) == ends


async def test_a_person_cancels_and_resends(store: Store):
    kept, _ = await planned(store, mailbox=None)
    why = journal.acted(NOON, kept.id, None, act="cancelled", why="wrong patient", actor="anne")
    cancel = Acting(letter=kept.id, of=(DeliveryState.HELD,), to=DeliveryState.CANCELLED, event=why, erase_after=NOON)
    assert await store.act(cancel) == 1
    with store.reading() as connection:
        assert queries.letter(connection, kept.id)["state"] == "final"
    again = Acting(letter=kept.id, of=(DeliveryState.CANCELLED,), to=DeliveryState.READY, event=why)
    assert await store.act(again) == 1
    assert len(await store.claim(claiming(NOON, route=""))) == 1


async def test_f3_erasure_destroys_the_key_and_the_bytes(store: Store, clock, tmp_path):
    kept, lease = await planned(store)
    sealed = _sealed_chunk(store, kept)
    await store.finish(Finishing(lease=lease, outcome=Done(at=NOON), erase_after=NOON + timedelta(hours=24)))
    await store.tidy()
    assert store.load(kept.id)  # negative control: not before its time
    clock.forward(hours=25)
    assert await store.tidy() == [kept.id]
    with pytest.raises(StorageUnavailable):
        store.load(kept.id)
    store.close()
    assert sealed not in (tmp_path / "data" / "huitaine.db").read_bytes()


def _sealed_chunk(store: Store, kept: KeptLetter) -> bytes:
    from gateway.queue.accept import CHUNK

    with store.reading() as connection:
        return connection.execute(CHUNK.select().where(CHUNK.c.letter_id == kept.id)).mappings().one()["data"]


async def test_f4_a_changed_journal_line_is_named(store: Store):
    await planned(store)
    with store.reading() as connection:
        assert list(broken_links(connection)) == []
    forge = Also(
        lambda connection, _: [connection.execute(update(ENTRY).where(ENTRY.c.seq == 2).values(words="x"))], None
    )
    await store.note(Noting(also=(forge,)))
    with store.reading() as connection:
        assert next(broken_links(connection)) == 2


async def test_every_delivery_row_has_an_index_for_what_is_asked(store: Store):
    with store.reading() as connection:
        due = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT id FROM delivery"
            " WHERE state = 'ready' AND route = 'x' AND next_at <= 1 ORDER BY next_at"
        ).all()
    assert "delivery_due" in due[0][3], due
    assert DELIVERY.c.letter_id.index


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 10), (5, 20), (6, 60), (7, 60), (40, 60)]
)
def test_b4_the_retry_table(attempts: int, minutes: int):
    outcome = decide(PeerDeferred(), SCHEDULE, attempts=attempts, since=NOON, now=NOON, chance=0.5)
    assert isinstance(outcome, RetryAt)
    assert outcome.at - NOON == timedelta(minutes=minutes)


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.8), (0.999999, 1.2)])
def test_b4_jitter_is_a_fifth(chance: float, share: float):
    assert SCHEDULE.after(4, chance=chance) / timedelta(minutes=10) == pytest.approx(share, abs=0.001)


def test_b4_it_expires_after_48_hours():
    outcome = decide(
        PeerDeferred(), SCHEDULE, attempts=50, since=NOON - timedelta(hours=47, minutes=30), now=NOON, chance=0
    )
    assert isinstance(outcome, GiveUp)
    assert outcome.expired
    assert outcome.status == "4.4.7"


def test_a_permanent_refusal_is_not_tried_again():
    outcome = decide(PeerRefused(status="5.1.1"), SCHEDULE, attempts=1, since=NOON, now=NOON, chance=0)
    assert outcome == GiveUp(at=NOON, status="5.1.1", reason="Next hop refused the letter")


async def test_a_group_of_endings_is_one_transaction_and_not_many(store: Store):
    leases = [(await planned(store))[1] for _ in range(20)]
    before = store.commits
    await asyncio.gather(*(store.finish(Finishing(lease=lease, outcome=Done(at=NOON))) for lease in leases))
    assert store.commits - before < 10
    assert {state(store, lease) for lease in leases} == {"done"}
