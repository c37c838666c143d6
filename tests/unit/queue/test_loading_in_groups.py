"""Letters read back in groups: who comes while a thread reads goes with the next one, and each hears of his own."""

import asyncio
import threading

import pytest

from gateway.errors import StorageUnavailable
from gateway.queue.loading import MOST, Loading


class Reading:
    """A reader of the disk that waits to be let on; letters are their own ids here."""

    def __init__(self, wrong=()):
        self.groups, self.wrong, self.began, self.go = [], set(wrong), threading.Event(), threading.Event()

    def __call__(self, letters):
        self.groups.append(list(letters))
        self.began.set()
        self.go.wait(60)
        return [StorageUnavailable(each) if each in self.wrong else each for each in letters]


async def asked(loading, names):
    tasks = [asyncio.create_task(loading.load(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_while_others_are_read_goes_with_the_next_group():
    reading = Reading()
    loading = Loading(reading)
    first = await asked(loading, ["a"])
    await asyncio.to_thread(reading.began.wait, 60)
    others = await asked(loading, ["b", "c", "d"])
    reading.go.set()
    assert await asyncio.gather(*first, *others) == ["a", "b", "c", "d"]
    assert reading.groups == [["a"], ["b", "c", "d"]]


async def test_what_is_wrong_with_one_is_told_to_whoever_asked_for_it():
    reading = Reading(wrong=["b"])
    reading.go.set()
    given = await asyncio.gather(*await asked(Loading(reading), "abc"), return_exceptions=True)
    assert (given[0], type(given[1]), given[2]) == ("a", StorageUnavailable, "c")


async def test_a_disk_that_cannot_be_asked_is_everybodys_answer_and_the_next_one_is_asked_anew():
    def broken(_letters):
        raise OSError("no disk")

    loading = Loading(broken)
    for _ in range(2):
        given = await asyncio.gather(*await asked(loading, "ab"), return_exceptions=True)
        assert [type(each) for each in given] == [OSError, OSError]


async def test_a_caller_who_left_is_passed_over_and_nobody_waits_for_him():
    reading = Reading()
    loading = Loading(reading)
    stays, leaves = await asked(loading, ["stays", "leaves"])
    leaves.cancel()
    reading.go.set()
    assert await stays == "stays"
    with pytest.raises(asyncio.CancelledError):
        await leaves


async def test_a_group_holds_so_many_letters_and_no_more():
    reading = Reading()
    reading.go.set()
    await asyncio.gather(*await asked(Loading(reading), [str(n) for n in range(2 * MOST + 1)]))
    assert max(map(len, reading.groups)) == MOST
