"""Draws in the background what an upgrade left of stays and figures; letters come and go meanwhile."""

from __future__ import annotations

import asyncio
import time

import structlog

from gateway.delays.redraw import redraw_some
from gateway.queue.store import Store

_STEP = 32
"""So many stays are drawn in one transaction: about a tenth of a second in which letters wait."""
_TOLD_EVERY = 10_000
"""Stays between two lines of the log."""


class Redrawing:
    """A few stays a transaction, then as long a pause: half of the writer's time is left to letters at least."""

    def __init__(self, store: Store) -> None:
        """Nothing is drawn yet."""
        self._store = store

    async def look(self) -> None:
        """Return when nothing is left to draw; what a crash cuts off is on the list of the next start."""
        drawn = told = 0
        while True:
            begun = time.monotonic()
            some: int = await self._store.write(redraw_some, _STEP)
            if not some:
                break
            drawn += some
            if drawn - told >= _TOLD_EVERY:
                told = drawn
                structlog.get_logger().info("stays-redrawing", drawn=drawn)
            await asyncio.sleep(time.monotonic() - begun)
        if drawn:
            structlog.get_logger().info("stays-redrawn", drawn=drawn)
