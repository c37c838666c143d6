"""Acceptance comes first: while letters come in, the road takes up new work one at a time and in calm moments only.

While none comes nobody is kept waiting, and the road goes as fast as it can: what an outage left behind must leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LAG = 0.02
"""Seconds that one round of the loop may take: a door's answer waits as long."""
WAIT = 0.05
"""Seconds that a commit may be waited for."""
PAUSE = 0.005
PATIENCE = 0.1
"""Seconds after which the next letter goes on all the same: what was accepted must leave too."""


class Gate:
    """The one way into the road. What waits here is on disk already; only memory and time are spent on it."""

    def __init__(self, waited: Callable[[], float | None], *, patience: float = PATIENCE) -> None:
        """``waited``: seconds that the oldest job of the writer has been waiting; ``None`` while no letter comes in."""
        self._waited, self._patience = waited, patience
        self._turnstile = asyncio.Lock()

    async def turn(self) -> None:
        """Come back when it is this letter's turn: after those before it, in a calm moment or after ``patience``."""
        loop = asyncio.get_running_loop()
        async with self._turnstile:
            until = loop.time() + self._patience
            while await self._pressed(loop) and loop.time() < until:  # noqa: ASYNC110 (no event tells of a calm)
                await asyncio.sleep(PAUSE)

    async def _pressed(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a door that had something to do now would be kept waiting; lets the loop go round once to see."""
        if self._waited() is None:
            return False
        began = loop.time()
        await asyncio.sleep(0)
        waited = self._waited()
        return loop.time() - began > LAG or (waited is not None and waited > WAIT)
