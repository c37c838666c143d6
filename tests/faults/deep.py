"""A deep queue, by SQL: one planned letter's rows copied as often as wanted, so that claims and starts can be timed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from gateway.crypto.vault import create_master_key
from gateway.moments import microseconds, utc_now
from gateway.queue.habits import domain
from gateway.queue.leases import Claiming, Terms
from gateway.queue.opening import NAME
from gateway.queue.planning import Dispatch, make_plan
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from tests.faults.campaigns import Row, row
from tests.unit.queue.letters import addressed, letter

ROUTES = 50
COPY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO {table} ({columns}) SELECT {values} FROM n, {table} WHERE {table}.id = :id
"""


def open_store(folder: Path) -> Store:
    """As a gateway opens it."""
    return Store(folder / "data", RestVault.open(folder / "master-key"), limits=Limits(free_share=0), clock=utc_now)


async def make_deep(folder: Path, count: int, *, state: str = "ready") -> None:
    """A store with ``count`` deliveries more, spread over ROUTES destinations, all due in the last hours."""
    folder.mkdir(parents=True, exist_ok=True)
    create_master_key(folder / "master-key")
    store = open_store(folder)
    kept = await store.keep(letter())
    dispatch = Dispatch(terms=Terms(node="n"), route=domain, room=lambda _: False)
    plan = make_plan(store, [addressed(kept)], now=utc_now(), dispatch=dispatch)
    await store.plan(plan.planning)
    store.close()
    await asyncio.to_thread(_copy, folder / "data" / NAME, count, kept.id, plan.steps[0].lease.delivery, state)


def _copy(database: Path, count: int, letter_id: str, delivery_id: str, state: str, *, next_at: str = "") -> None:
    now = microseconds(utc_now())
    letters = {"id": "letter.id || 'x' || i", "whole": "letter.id || 'x' || i"}
    deliveries = {
        "id": "delivery.id || 'x' || i",
        "letter_id": "delivery.letter_id || 'x' || i",
        "route": f"'h' || (i % {ROUTES}) || '.example'",
        "next_at": next_at or f"{now} - (i % 3600) * 1000000",
        "state": f"'{state}'",
    }
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for table, name, new in (("letter", letter_id, letters), ("delivery", delivery_id, deliveries)):
            columns = [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(new.get(column, f"{table}.{column}") for column in columns)
            copy = COPY.format(table=table, columns=", ".join(columns), values=values)
            connection.execute(copy, {"count": count, "id": name})
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def later_too(database: Path, count: int) -> None:
    """Fill the queue up with ``count`` deliveries that are due tomorrow, copies of one that waits there."""
    if count <= 0:
        return
    with closing(sqlite3.connect(database)) as connection:
        delivery, letter_id = connection.execute("SELECT id, letter_id FROM delivery LIMIT 1").fetchone()
    tomorrow = microseconds(utc_now() + timedelta(days=1))
    _copy(database, count, letter_id, delivery, "ready", next_at=str(tomorrow))


async def claim_times(store: Store, rounds: int, *, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Seconds that finding the due destinations and claiming from one of them takes by ``clock``.

    The default's include the fsync; the process's own CPU time does not depend on what else the machine does.
    """
    took = []
    for number in range(rounds):
        began = clock()
        due = store.due(utc_now())
        claiming = Claiming(terms=Terms(node="n"), now=utc_now(), route=due[number % len(due)], limit=10)
        assert await store.claim(claiming)
        took.append(clock() - began)
    return took


async def accept_rate(store: Store, letters: int, *, beside: int = 20) -> float:
    """Letters kept and planned on disk per second by ``beside`` senders."""
    dispatch = Dispatch(terms=Terms(node="n"), route=domain, room=lambda _: False)

    async def sender() -> None:
        for _ in range(letters // beside):
            kept = await store.keep(letter())
            await store.plan(make_plan(store, [addressed(kept)], now=utc_now(), dispatch=dispatch).planning)

    began = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(beside)))
    return letters / (time.perf_counter() - began)


def p99(took: list[float]) -> float:
    """In milliseconds."""
    return 1000 * statistics.quantiles(took, n=100)[98]


async def d6(folder: Path) -> Row:
    """FAULT_D6_ROWS deliveries deep (1,000,000): a claim's p99 ≤ 10 ms, acceptance ≥ 80 % of that of an empty store."""
    depth = int(os.environ.get("FAULT_D6_ROWS", "1000000"))
    await make_deep(folder / "empty", 0)
    await make_deep(folder / "deep", depth)
    empty, deep = open_store(folder / "empty"), open_store(folder / "deep")
    try:
        # turn by turn: the machine's other work falls on both
        shares = [(await accept_rate(deep, 600)) / (await accept_rate(empty, 600)) for _ in range(3)]
        slow = p99(await claim_times(deep, 300))
        without = await without_its_index(deep)
    finally:
        empty.close()
        deep.close()
    share = statistics.median(shares)
    return row(
        "D6",
        control=without > 10,
        figure=round(slow, 2),
        target=10,
        unit="ms, p99 of a claim",
        rows=depth,
        accept_share=round(share, 2),
        without_index_ms=round(without, 1),
        kept=slow <= 10 and share >= 0.8,
    )


async def without_its_index(store: Store, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """The control: the same claims once the index is gone."""
    with store._disk.engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX delivery_due")
    return p99(await claim_times(store, 5, clock=clock))


async def f7(folder: Path) -> Row:
    """A start with FAULT_F7_ROWS (100,000) queued: until nothing is left to be made ready."""
    depth = int(os.environ.get("FAULT_F7_ROWS", "100000"))
    await make_deep(folder / "deep", depth)
    took = await start_seconds(folder / "deep")
    return row("F7", control=True, figure=round(took, 2), target=3, unit="s", rows=depth, kept=took <= 3)


async def start_seconds(folder: Path, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """From the opening of the store to the first lease, by ``clock``."""
    began = clock()
    store = open_store(folder)
    try:
        store.unplanned()
        store.suspects()
        (await claim_times(store, 1))
        return clock() - began
    finally:
        store.close()
