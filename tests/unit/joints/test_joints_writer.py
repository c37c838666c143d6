"""The writer's thread outlives whoever asked it, and says so when it cannot go on."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy.exc import DatabaseError

from gateway.errors import StorageUnavailable
from gateway.queue.store import Store
from tests.unit.queue.letters import letter


async def test_a_caller_who_left_while_his_verb_failed_does_not_end_the_writer(store: Store):
    began, go = threading.Event(), threading.Event()

    def failing(connection, jobs):
        began.set()
        go.wait(60)
        raise ValueError("bug")

    caller = asyncio.create_task(store._writer.do(failing, None))
    await asyncio.to_thread(began.wait, 60)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    go.set()
    assert not (await asyncio.wait_for(store.keep(letter()), 60)).again


async def test_a_caller_who_left_before_his_turn_does_not_undo_the_commit(store: Store):
    began, go = threading.Event(), threading.Event()

    def slow(connection, jobs):
        began.set()
        go.wait(60)
        return [None] * len(jobs)

    first = asyncio.create_task(store._writer.do(slow, None))
    await asyncio.to_thread(began.wait, 60)
    second = asyncio.create_task(store.keep(letter()))
    async with asyncio.timeout(60):
        while not store._writer._jobs.qsize():  # noqa: ASYNC110 (sealed beside the loop, then it waits its turn)
            await asyncio.sleep(0.005)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    go.set()
    await first
    await asyncio.wait_for(store.keep(letter(b"other")), 60)
    assert len(store.unplanned()) == 2


async def test_a5_a_commit_that_fails_in_any_way_is_final(store: Store, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:

        def malformed(self):
            raise DatabaseError("COMMIT", None, Exception("database disk image is malformed"))

        patch.setattr("sqlalchemy.engine.base.RootTransaction.commit", malformed)
        with pytest.raises(StorageUnavailable):
            await store.keep(letter())
    assert store.broken


async def test_after_the_end_nobody_waits_for_ever(store: Store):
    store._writer.close()
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(store.keep(letter()), 60)
