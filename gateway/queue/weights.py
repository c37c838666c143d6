"""How many large letters are carried at once: composing, sealing and sending copy each half a dozen times."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

BUDGET = 48 * 2**20
"""Octets of large letters in hand at once; with its copies that is about 350 MB."""
LEAST = 2**20
"""A letter below this is no large one: hundreds of them fit."""


class Weights:
    """A budget in octets that large letters wait for; small ones never do."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget, self._held = budget, 0
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        """Wait until ``size`` octets fit, and have them for the time of the block; one letter alone always fits."""
        if size < LEAST:
            yield
            return
        async with self._changed:
            await self._changed.wait_for(lambda: not self._held or self._held + size <= self._budget)
            self._held += size
        try:
            yield
        finally:
            self._held -= size
            async with self._changed:
                self._changed.notify_all()
