"""The writer's groups: what one round of the loop asks for is one transaction, and nothing asked for is forgotten."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import create_engine

from gateway.errors import StorageUnavailable
from gateway.queue import sqlite
from gateway.queue import writer as module
from gateway.queue.writer import Writer


@pytest.fixture
def writer():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False})
    made = Writer(engine)
    yield made
    made.close()
    engine.dispose()


def double(_connection, payloads):
    return [2 * each for each in payloads]


async def test_what_one_round_of_the_loop_asks_for_is_one_group_and_each_hears_his_own_answer(writer):
    assert await asyncio.gather(*(writer.do(double, n) for n in range(40))) == [2 * n for n in range(40)]
    assert writer.commits == 1


async def test_a_group_is_never_larger_than_its_caps(writer, monkeypatch):
    monkeypatch.setattr(module, "MAX_JOBS", 16)
    await asyncio.gather(*(writer.do(double, n) for n in range(40)))
    assert writer.commits == 3
    await asyncio.gather(*(writer.do(double, n, size=module.MAX_BYTES) for n in range(3)))
    assert writer.commits == 6


async def test_what_was_asked_for_in_the_round_of_the_end_is_still_committed(writer):
    asked = asyncio.create_task(writer.do(double, 4))
    await asyncio.sleep(0)
    await asyncio.to_thread(writer.close)
    assert await asked == 8
    with pytest.raises(StorageUnavailable):
        await writer.do(double, 1)


async def test_a_caller_who_left_takes_nothing_from_the_others(writer):
    leaves, stays = (asyncio.create_task(writer.do(double, n)) for n in (1, 2))
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await leaves


async def test_the_guilty_one_of_a_group_is_refused_alone(writer):
    def odd_is_wrong(connection, payloads):
        if any(each % 2 for each in payloads):
            raise ValueError
        return double(connection, payloads)

    given = await asyncio.gather(*(writer.do(odd_is_wrong, n) for n in (2, 3, 4)), return_exceptions=True)
    assert (given[0], type(given[1]), given[2]) == (4, StorageUnavailable, 8)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_writer_whose_thread_ends_leaves_nobody_waiting(writer, monkeypatch):
    def damaged(_connection):
        raise MemoryError

    monkeypatch.setattr(module, "settle_log", damaged)
    monkeypatch.setattr(module, "MAX_JOBS", 2)
    async with asyncio.timeout(30):
        given = await asyncio.gather(*(writer.do(double, n) for n in range(5)), return_exceptions=True)
        writer.broken.clear()  # as for one who looked at it a moment before
        later = await asyncio.gather(writer.do(double, 1), return_exceptions=True)
    assert {type(each) for each in given + later} == {StorageUnavailable}


@pytest.mark.parametrize("why", [sqlite3.OperationalError("disk I/O error"), sqlite3.DatabaseError("malformed")])
async def test_a_log_that_cannot_be_cut_now_stays_owed_and_stops_nobody(writer, why):
    class Refusing:
        def execute(self, pragma):
            if "checkpoint" in pragma:
                raise why

    class Connection:
        info: dict[str, bool] = {}  # noqa: RUF012 (one object)
        dialect = type("Dialect", (), {"name": "sqlite"})()
        connection = type("Record", (), {"driver_connection": Refusing()})()

    sqlite.owe_checkpoint(Connection, erased=True)
    sqlite.settle_log(Connection)
    assert Connection.info == {sqlite._OWED: True}
