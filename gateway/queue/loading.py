"""Letters read back from the disk in groups: whoever asks while a thread reads for others goes with the next group.

As the writer's group commit: the group grows with the load by itself, and a thread, a connection and a transaction,
each dearer than the reading of a short letter, are shared by all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

What = TypeVar("What")
Found = TypeVar("Found")
MOST = 16
"""Letters in one group: they are all in memory before the first goes on."""


class Loading(Generic[What, Found]):
    """One group at a time, in the order of asking; to be used on one loop at a time."""

    def __init__(self, read: Callable[[Sequence[What]], Sequence[Found | Exception]]) -> None:
        """``read`` is run in a thread; for each that is asked for it gives what :meth:`load` gives or raises."""
        self._read = read
        self._waiting: list[tuple[What, asyncio.Future[Found]]] = []
        self._under_way: asyncio.Task[None] | None = None

    async def load(self, what: What) -> Found:
        """What was read of it; raises what was wrong with it alone."""
        found: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, found))
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._all())
        return await found

    async def _all(self) -> None:
        """Until nobody waits; a caller who left meanwhile is passed over."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._one_group([(what, found) for what, found in group if not found.done()])
        finally:
            for _, found in self._waiting:  # the loop ends: nobody reads for them any more
                found.cancel()

    async def _one_group(self, group: Sequence[tuple[What, asyncio.Future[Found]]]) -> None:
        try:
            given = await asyncio.to_thread(self._read, [what for what, _ in group])
        except Exception as error:  # noqa: BLE001 (the database could not even be asked: that is everybody's answer)
            given = [error] * len(group)
        except BaseException:
            for _, found in group:
                found.cancel()
            raise
        for (_, found), one in zip(group, given, strict=True):
            _tell(found, one)


def _tell(found: asyncio.Future[Found], given: Found | Exception) -> None:
    if found.done():
        return
    if isinstance(given, Exception):
        found.set_exception(given)
    else:
        found.set_result(given)
