"""Station 2: what is kept survives, is sealed, and is not taken twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import journal
from gateway.crypto.vault import create_master_key
from gateway.errors import KeyStoreRefused, StorageFull, StorageUnavailable
from gateway.queue.planning import make_plan
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from tests.unit.queue.letters import CANARY, STARTING, addressed, letter


async def test_a_kept_letter_comes_back_byte_for_byte_after_a_restart(opened: Callable[[], Store]):
    kept = await opened().keep(letter(b"\x00\xff" * 1_500_000))
    again = opened().load(kept.id)
    assert again.received.content == b"\x00\xff" * 1_500_000
    assert again.received.envelope == kept.received.envelope


async def test_f1_nothing_on_the_disk_can_be_read(store: Store, tmp_path: Path):
    kept = await store.keep(letter())
    plan = make_plan(
        store, [addressed(kept, mailbox="gp@secret-mailbox.example")], now=kept.received.received_at, dispatch=STARTING
    )
    await store.plan(plan.planning)
    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert CANARY.encode() not in on_disk
    assert b"gp@secret-mailbox" not in on_disk
    assert kept.id.encode() in on_disk  # negative control: the search does find what is in clear


async def test_a8_the_same_letter_again_gets_the_first_id(store: Store):
    first = await store.keep(letter(key=b"one"))
    second = await store.keep(letter(key=b"one"))
    other = await store.keep(letter(key=b"two"))
    assert second.again
    assert second.id == first.id
    assert not other.again


async def test_a8_two_copies_in_the_same_group_commit_are_one_letter(store: Store):
    kept = await asyncio.gather(*(store.keep(letter(key=b"one")) for _ in range(20)))
    assert len({each.id for each in kept}) == 1
    assert sum(not each.again for each in kept) == 1


async def test_another_source_may_use_the_same_key(store: Store):
    first = await store.keep(letter(key=b"one"))
    second = await store.keep(letter(key=b"one", source="lab"))
    assert not second.again
    assert first.id != second.id


async def test_a_replay_after_72_hours_is_a_new_letter(store: Store, clock):
    await store.keep(letter(key=b"one"))
    clock.forward(hours=73)
    later = replace(letter(key=b"one"), received_at=clock())
    assert not (await store.keep(later)).again


async def test_the_answer_of_the_first_time_is_given_again(store: Store):
    first = await store.keep(letter(key=b"one"))
    await store.record_answer(first.id, b"MSA|AA")
    assert (await store.keep(letter(key=b"one"))).answer == b"MSA|AA"


async def test_a7_a_withdrawn_letter_is_wholly_gone_and_may_come_again(store: Store):
    first = await store.keep(letter(key=b"one"))
    assert await store.withdraw(first.id)
    assert store.unplanned() == {}
    assert not (await store.keep(letter(key=b"one"))).again


async def test_a_letter_that_was_promised_on_a_second_connection_is_not_withdrawn(store: Store):
    first = await store.keep(letter(key=b"one"))
    assert (await store.keep(letter(key=b"one"))).again
    assert not await store.withdraw(first.id)


async def test_a_letter_with_rows_is_not_withdrawn(store: Store):
    kept = await store.keep(letter())
    plan = make_plan(store, [addressed(kept)], now=kept.received.received_at, dispatch=STARTING)
    await store.plan(plan.planning)
    assert not await store.withdraw(kept.id)


async def test_a_letter_kept_but_not_planned_is_found_after_a_restart(opened: Callable[[], Store]):
    kept = await opened().keep(letter())
    assert opened().unplanned() == {kept.id: 0}


async def test_a_refused_letter_is_not_taken_up_again(store: Store):
    kept = await store.keep(letter())
    await store.refuse(journal.refused(kept.received.received_at, kept.id, code="no-msh", place="byte 0"))
    assert store.unplanned() == {}


async def test_a6_low_disk_is_told_before_anything_is_taken(tmp_path: Path, vault: RestVault, clock):
    store = Store(tmp_path / "full", vault, limits=Limits(free_share=1.0), clock=clock)
    with pytest.raises(StorageFull):
        await store.keep(letter())
    store.close()


async def test_one_process_holds_the_folder(store: Store, tmp_path: Path, vault: RestVault, clock):
    with pytest.raises(StorageUnavailable):
        Store(tmp_path / "data", vault, limits=Limits(), clock=clock)


async def test_f2_another_master_key_refuses_to_start(opened: Callable[[], Store], tmp_path: Path, clock):
    store = opened()
    await store.keep(letter())
    store.close()
    create_master_key(tmp_path / "other")
    with pytest.raises(KeyStoreRefused):
        Store(tmp_path / "data", RestVault.open(tmp_path / "other"), limits=Limits(), clock=clock)
    opened()  # negative control: the right key opens it
