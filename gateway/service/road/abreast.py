"""Work for several destinations side by side: one at a time for each, a few in all, and none waits for another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine


class Abreast:
    """Runs at most ``most`` pieces of work at once, never two of one name."""

    def __init__(self, most: int) -> None:
        """Nothing runs before :meth:`begin`."""
        self._places = asyncio.Semaphore(most)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> Collection[str]:
        """The names that something runs or waits for."""
        return self._tasks.keys()

    def begin(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Start it as soon as there is a place; ``name`` must not be busy."""
        task = asyncio.get_running_loop().create_task(self._placed(work))
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name))

    async def settle(self, seconds: float) -> None:
        """Wait until nothing runs any more, ``seconds`` at most: what hangs goes on."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)

    async def end(self) -> None:
        """Break off what runs; on return nothing does."""
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _placed(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        async with self._places:
            await work()
