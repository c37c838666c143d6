"""Acceptance comes first: the road takes up new work one letter at a time, and only while the doors need not wait."""

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

    def __init__(self, waited: Callable[[], float], *, patience: float = PATIENCE) -> None:
        """``waited`` tells for how many seconds the oldest job of the writer has been waiting."""
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
        began = loop.time()
        await asyncio.sleep(0)
        return loop.time() - began > LAG or self._waited() > WAIT
