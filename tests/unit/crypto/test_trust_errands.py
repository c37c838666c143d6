"""Waiting for strangers beside the event loop: a few at once, nobody held up, no error lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from threading import Event

import pytest

from gateway.crypto.trust.errands import Errands


async def test_what_it_gives_or_raises_comes_back():
    errands = Errands(2)
    assert await errands.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await errands.run(lambda: 1 // 0)


@pytest.mark.parametrize("ending", [lambda: 7, lambda: 1 // 0])
async def test_who_stops_waiting_hears_no_more_of_it(ending):
    begun, over, ended = Event(), Event(), Event()

    def work() -> int:
        begun.set()
        over.wait(30)
        ended.set()
        return ending()

    waiting = Errands(1).run(work)
    await asyncio.to_thread(begun.wait, 30)
    waiting.cancel()
    over.set()
    await asyncio.to_thread(ended.wait, 30)
    assert await Errands(1).run(lambda: 8) == 8  # whatever the first one gives by now, nobody is disturbed
    assert waiting.cancelled()


async def test_no_more_than_a_few_are_under_way():
    errands, over, under_way, most = Errands(2), Event(), [], []

    def work() -> None:
        under_way.append(1)
        most.append(len(under_way))
        over.wait(30)
        under_way.pop()

    waiting = [errands.run(work) for _ in range(5)]
    await asyncio.to_thread(lambda: [over.wait(0.01) for _ in range(1000) if len(under_way) < 2])
    over.set()
    await asyncio.gather(*waiting)
    assert len(most) == 5
    assert max(most) <= 2


def test_a_silent_stranger_does_not_hold_up_the_end_of_the_process():
    program = (
        "import asyncio, time\n"
        "from gateway.crypto.trust.errands import Errands\n"
        "async def main():\n"
        "    Errands(1).run(lambda: time.sleep(600))\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)


def test_an_answer_after_the_loop_has_ended_is_dropped():
    over, ended = Event(), Event()

    async def main() -> None:
        Errands(1).run(lambda: over.wait(30))

    asyncio.run(main())
    over.set()
    asyncio.run(_until(ended, Errands(1)))


async def _until(ended: Event, errands: Errands) -> None:
    await errands.run(ended.set)
    assert ended.is_set()
