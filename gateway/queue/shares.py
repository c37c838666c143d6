"""Who may work when: so many deliveries at once, and no destination takes the places that others wait for (B6)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

LEAST = 5
"""Places that a destination may have however few there are in all."""
PATIENCE = 1.0
"""Seconds until a place counts as hanging: its far side is slow or dead, and the place is lent to whoever waits."""


@dataclass(slots=True, eq=False)
class _Waiter:
    route: str
    granted: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class _Place:
    route: str
    hangs: bool = False


class Shares:
    """``slots`` places, given in the order of asking among those whose destination is below its share.

    While others work or wait, a destination has a quarter of the places, at least five. Alone it may have half of
    them: the other half is for whoever comes while all of its connections hang. A place that hangs is lent once: for
    its own destination it still counts, for the others it is free. So there are never more than twice ``slots``.
    """

    def __init__(self, slots: int) -> None:
        """All places are free."""
        self._slots = slots
        self._closed = False
        self._busy: Counter[str] = Counter()
        self._hanging: Counter[str] = Counter()
        self._waiting: list[_Waiter] = []

    @property
    def free(self) -> int:
        """Places that nobody has, or that were lent because whoever has them hangs."""
        return self._slots + min(self._hanging.total(), self._slots) - self._busy.total()

    @property
    def stalled(self) -> int:
        """How many hang, or wait for a place of a destination all of whose connections hang."""
        stuck = sum(0 < self._busy[each.route] <= self._hanging[each.route] for each in self._waiting)
        return self._hanging.total() + stuck

    def share(self, route: str) -> int:
        """How many places the destination may have now."""
        others = any(each != route for each in self._busy) or any(each.route != route for each in self._waiting)
        small = max(LEAST, self._slots // 4)
        return min(self._slots, small if others else max(small, self._slots // 2))

    def room(self, route: str) -> int:
        """How many more of this destination would not have to wait for it."""
        return max(0, self.share(route) - self._busy[route] - self.waiting(route))

    def over(self, route: str) -> bool:
        """Whether it has more places than its share is now: others have come since it was given them."""
        return self._busy[route] > self.share(route)

    def waiting(self, route: str) -> int:
        """How many wait for a place of this destination."""
        return sum(each.route == route for each in self._waiting)

    @contextlib.asynccontextmanager
    async def place(self, route: str) -> AsyncIterator[None]:
        """Wait for a place, and have it for the time of the block."""
        await self._enter(route)
        taken = _Place(route)
        patience = asyncio.get_running_loop().call_later(PATIENCE, self._lend, taken)
        try:
            yield
        finally:
            patience.cancel()
            self._hanging[route] -= taken.hangs
            self._leave(route)

    def close(self) -> None:
        """Nobody gets a place any more: whoever waits for one, or comes now, is cancelled."""
        self._closed = True
        for waiter in self._waiting:
            waiter.granted.cancel()

    async def _enter(self, route: str) -> None:
        waiter = _Waiter(route, asyncio.get_running_loop().create_future())
        if self._closed:
            raise asyncio.CancelledError
        self._waiting.append(waiter)
        self._grant()
        try:
            await waiter.granted
        except BaseException:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            if not waiter.granted.cancelled():  # granted and given up in the same moment
                self._leave(route)
            raise

    def _lend(self, place: _Place) -> None:
        place.hangs = True
        self._hanging[place.route] += 1
        self._grant()

    def _leave(self, route: str) -> None:
        self._busy[route] -= 1
        if not self._busy[route]:
            del self._busy[route], self._hanging[route]
        self._grant()

    def _grant(self) -> None:
        full: set[str] = set()
        for waiter in list(self._waiting):
            if self.free <= 0:
                return
            route = waiter.route
            if route in full or self._busy[route] >= self.share(route):
                full.add(route)
                continue
            self._waiting.remove(waiter)
            if not waiter.granted.done():  # else cancelled before its turn
                self._busy[route] += 1
                waiter.granted.set_result(None)
