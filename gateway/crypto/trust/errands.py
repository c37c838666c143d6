"""Work that waits for strangers, in threads that keep neither the event loop nor the end of the process waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


class Errands:
    """A few at once; the threads of an executor would be waited for at exit, however long a stranger is silent."""

    def __init__(self, most: int) -> None:
        self._places = Semaphore(most)

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What ``work`` gives or raises; who stops waiting for it does not stop it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def errand() -> None:
            with self._places:
                try:
                    done = partial(_give, answer, work())
                except Exception as error:  # noqa: BLE001 (atop a thread; raised where it is waited for)
                    done = partial(_fail, answer, error)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done)

        Thread(target=errand, name="errand", daemon=True).start()
        return answer


def _give(answer: asyncio.Future[T], result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: asyncio.Future[T], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
