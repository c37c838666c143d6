"""Leases: what a dead process held is taken back by how far it had come, and whoever lost one changes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from gateway.identifiers import LetterId
from gateway.letter import Done, RetryAt
from gateway.queue import queries
from gateway.queue.accept import NODE
from gateway.queue.deliveries import Finishing, PutBack
from gateway.queue.dialects import database_now
from gateway.queue.leases import BEGUN, DEADLY, DOT, ClaimingOld, ClaimingOne, Lease, LeaseLost, Renewing, Terms
from gateway.queue.planning import make_plan
from gateway.queue.store import Store
from tests.unit.queue.letters import NOON, STARTING, TERMS, WAITING, addressed, claiming, letter, recovering


async def leased(store: Store) -> Lease:
    kept = await store.keep(letter())
    plan = make_plan(store, [addressed(kept)], now=NOON, dispatch=STARTING)
    assert await store.plan(plan.planning)
    return plan.steps[0].lease


async def waiting(store: Store) -> Lease:
    kept = await store.keep(letter())
    plan = make_plan(store, [addressed(kept)], now=NOON, dispatch=WAITING)
    assert await store.plan(plan.planning)
    return plan.steps[0].lease


def row(store: Store, lease: Lease) -> queries.Row:
    with store.reading() as connection:
        return queries.delivery(connection, lease.delivery)


def kinds(store: Store, letter_id: LetterId) -> list[str]:
    with store.reading() as connection:
        return [entry["kind"] for entry in queries.trace(connection, letter_id)]


async def test_b2_what_died_before_its_dot_is_due_at_once_and_cannot_have_left(store: Store):
    lease = await leased(store)
    assert row(store, lease)["phase"] == BEGUN
    assert await store.recover(recovering()) == 1
    (again,) = await store.claim(claiming())
    assert (again.delivery, again.ambiguous, again.attempts) == (lease.delivery, 0, 0)
    assert "lease-freed" in kinds(store, lease.letter)
    assert "ambiguous" not in kinds(store, lease.letter)


async def test_b2_what_died_at_its_dot_is_ambiguous_and_waits_as_after_a_failed_attempt(store: Store):
    lease = await leased(store)
    await store.reach_dot(lease)
    assert row(store, lease)["phase"] == DOT
    await store.recover(recovering())
    assert await store.claim(claiming()) == []
    (again,) = await store.claim(claiming(NOON + timedelta(minutes=1)))
    assert (again.ambiguous, again.attempts) == (1, 1)
    assert "ambiguous" in kinds(store, lease.letter)


async def test_b2_without_recorded_dots_whatever_died_may_have_left(store: Store):
    await waiting(store)
    forgetful = Terms(node="n", record_dot=False)
    (lease,) = await store.claim(claiming().__class__(terms=forgetful, now=NOON, route="test.example", limit=1))
    await store.recover(recovering())
    assert row(store, lease)["ambiguous"] == 1


async def test_c2_a_dot_is_not_sent_on_a_lost_lease(store: Store):
    lease = await leased(store)
    await store.reach_dot(lease)  # negative control: the holder may
    await store.recover(recovering())
    with pytest.raises(LeaseLost):
        await store.reach_dot(lease)


async def test_c2_a_late_ending_is_told_and_believed_by_nobody(store: Store):
    lease = await leased(store)
    await store.recover(recovering())
    assert not await store.finish(Finishing(lease=lease, outcome=Done(at=NOON)))
    assert row(store, lease)["state"] == "ready"
    assert kinds(store, lease.letter)[-1] == "lease-lost"


async def test_a_lease_that_runs_out_is_taken_back_and_one_that_is_renewed_is_not(store: Store):
    brief = Terms(node="n", lasting=timedelta(seconds=-1))
    held, lost = await leased(store), await leased(store)
    await store.renew(Renewing(terms=TERMS, version="1", leases=(held,)))
    await store.renew(Renewing(terms=brief, version="1", leases=(lost,)))
    assert await store.recover(recovering(everything=False)) == 1
    assert (row(store, held)["state"], row(store, lost)["state"]) == ("leased", "ready")


async def test_c5_leases_are_measured_by_the_clock_of_the_database_alone(store: Store, clock):
    lease = await leased(store)
    clock.forward(days=400)
    assert await store.recover(recovering(clock(), everything=False)) == 0
    with store.reading() as connection:
        now = connection.execute(select(database_now())).scalar_one()
        until = connection.execute(text("SELECT lease_until FROM delivery")).scalar_one()
    assert 0 < until - now <= 120_000_000
    assert row(store, lease)["state"] == "leased"


async def test_a_node_says_that_it_lives(store: Store):
    for version in ("1", "2"):
        await store.renew(Renewing(terms=TERMS, version=version, leases=()))
    with store.reading() as connection:
        (node,) = connection.execute(select(NODE)).all()
    assert (node.id, node.version) == ("n", "2")


async def test_what_was_put_back_has_not_been_tried(store: Store):
    lease = await leased(store)
    await store.finish(Finishing(lease=lease, outcome=PutBack(at=NOON)))
    (again,) = await store.claim(claiming())
    assert again.attempts == 0
    later = RetryAt(at=NOON, status="4.4.1", reason="x")
    await store.finish(Finishing(lease=again, outcome=later))  # negative control: a try counts
    (third,) = await store.claim(claiming())
    assert third.attempts == 1


async def test_f10_what_processes_died_of_is_claimed_by_its_trial_alone(store: Store):
    lease = await leased(store)
    for _ in range(DEADLY):
        await store.recover(recovering())
        found = await store.claim(claiming())
    assert found == []
    assert store.suspects() == [lease.delivery]
    (trial,) = await store.claim_one(ClaimingOne(terms=TERMS, delivery=lease.delivery))
    await store.recover(recovering())
    assert (row(store, trial)["state"], row(store, trial)["reason"]) == ("held", "worker-broken")
    assert store.suspects() == []


async def test_f10_an_orderly_ending_absolves(store: Store):
    lease = await leased(store)
    for _ in range(DEADLY):
        await store.recover(recovering())
        await store.claim(claiming())
    (trial,) = await store.claim_one(ClaimingOne(terms=TERMS, delivery=lease.delivery))
    await store.finish(Finishing(lease=trial, outcome=PutBack(at=NOON)))
    assert len(await store.claim(claiming())) == 1
    assert row(store, lease)["strikes"] == 0


async def test_what_is_too_old_is_claimed_by_its_destination(store: Store):
    lease = await waiting(store)
    asked = ClaimingOld(terms=TERMS, before=NOON, route="other.example", limit=5)
    assert await store.claim_old(asked) == []
    asked = ClaimingOld(terms=TERMS, before=NOON, route="test.example", limit=5)
    assert [each.delivery for each in await store.claim_old(asked)] == [lease.delivery]
    assert store.old_routes(NOON) == []


async def test_destinations_are_named_the_longest_waiting_first_and_only_what_is_due(store: Store):
    for host, minutes in (("b.example", 2), ("a.example", 1), ("c.example", 30)):
        kept = await store.keep(letter())
        at = NOON + timedelta(minutes=minutes)
        await store.plan(make_plan(store, [addressed(kept, mailbox=f"x@{host}")], now=at, dispatch=WAITING).planning)
    assert store.due(NOON + timedelta(minutes=5)) == ["a.example", "b.example"]
    assert store.due(NOON) == []


async def test_claims_of_many_at_once_never_give_one_row_twice(store: Store):
    for _ in range(20):
        await waiting(store)
    found = await asyncio.gather(*(store.claim(claiming(limit=3)) for _ in range(10)))
    given = [lease.delivery for leases in found for lease in leases]
    assert len(given) == len(set(given)) == 20
