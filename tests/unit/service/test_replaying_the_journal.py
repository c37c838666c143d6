"""The report from the journal alone is the report from the tables; a changed table is found out by that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from gateway.delays.clock import EIGHT_DAYS
from gateway.delays.figures import By
from gateway.delays.render import to_json
from gateway.delays.report import report
from gateway.queue.afterwards import Noting
from gateway.queue.store import Store
from gateway.service.clock.replaying import replayed
from gateway.service.clock.staybook import StayBook
from tests.unit.delays.wards import at, moved, patient, pseudonym
from tests.unit.queue.conftest import Clock, clock, opened, store, vault

__all__ = ["clock", "opened", "store", "vault"]
NOW = at("31 12:00")


def told(connection: Connection) -> str:
    return to_json(report(connection, policy=EIGHT_DAYS, by=By.SERVICE, now=NOW))


@pytest.fixture
async def kept(store: Store, clock: Clock) -> Store:
    """Three stays, one of them opposed to, one cancelled."""
    book = StayBook(pseudonym)
    for number in range(1, 4):
        left = moved("A03", f"{10 + number} 10:00", visit=f"V{number}", who=patient(number), unit="U1")
        await store.note(Noting(also=(book.movement(left, "gam", clock()),)))
    await store.note(Noting(also=(book.opposition("V2", "CHU-X", clock()),)))
    undone = moved("A13", "14 10:00", visit="V3", who=patient(3), unit="U1")
    await store.note(Noting(also=(book.movement(undone, "gam", clock()),)))
    return store


async def test_the_journal_alone_gives_the_same_figures(kept: Store):
    with kept.reading() as connection, replayed(connection) as again:
        assert told(again.connection) == told(connection)
        assert again.since is None
        assert '"opposition": 1' in told(again.connection)


async def test_control_a_table_that_somebody_changed_says_something_else(
    kept: Store, opened: Callable[[], Store], clock: Clock
):
    def forged(connection: Connection, jobs: list[object]) -> list[None]:
        connection.execute(text("UPDATE timing SET apart = 'death'"))
        return [None] * len(jobs)

    await kept.write(forged, None)
    with kept.reading() as connection, replayed(connection) as again:
        assert told(again.connection) != told(connection)


async def test_a_journal_that_has_forgotten_says_since_when_it_is_whole(kept: Store, clock: Clock):
    def forget(connection: Connection, jobs: list[object]) -> list[None]:
        first = "SELECT min(seq) FROM entry WHERE kind = 'clock-movement'"
        connection.execute(text(f"UPDATE entry SET words = '', code = '' WHERE seq = ({first})"))  # noqa: S608
        return [None] * len(jobs)

    await kept.write(forget, None)
    with kept.reading() as connection, replayed(connection) as again:
        assert again.since is not None
        assert again.since > (clock() - timedelta(days=2)).date()


async def test_what_the_journal_holds_of_the_clock_names_nobody(kept: Store):
    with kept.reading() as connection:
        words = " ".join(connection.execute(text("SELECT words FROM entry")).scalars())
    assert "clock" not in words
    for number in range(1, 4):
        assert f"ZZCANARI{number}" not in words
        assert f'"V{number}"' not in words
        assert f"IPP{number}" not in words
