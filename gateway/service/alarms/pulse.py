"""How long the event loop stood still, and how often something happened lately: counters, no work of their own."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

BEAT = 0.1
"""Seconds between two beats of the loop's pulse."""
WINDOW = 60.0
"""Seconds that a figure such as the longest standstill looks back."""

Monotonic = Callable[[], float]


class Recent:
    """Figures of the last ``window`` seconds, each with its moment; bounded, so that a storm costs no memory."""

    def __init__(self, window: float, *, monotonic: Monotonic = time.monotonic, most: int = 4096) -> None:
        """``monotonic`` in seconds."""
        self._window, self._monotonic = window, monotonic
        self._figures: deque[tuple[float, float]] = deque(maxlen=most)

    def add(self, figure: float = 1.0) -> None:
        """It happened now."""
        self._figures.append((self._monotonic(), figure))

    def figures(self) -> list[float]:
        """What is not too old."""
        since = self._monotonic() - self._window
        while self._figures and self._figures[0][0] < since:
            self._figures.popleft()
        return [figure for _, figure in self._figures]

    def total(self) -> float:
        """Their sum: how often, when each counts one."""
        return sum(self.figures())

    def worst(self) -> float:
        """The greatest; zero for none."""
        return max(self.figures(), default=0.0)


class Pulse:
    """Sleeps a moment again and again; what it oversleeps, everybody else waited too."""

    def __init__(self, *, window: float = WINDOW) -> None:
        """Beats once :meth:`beat` runs."""
        self.window = window
        self.late = Recent(window)

    async def beat(self) -> None:
        """Until cancelled."""
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.late.add(max(0.0, time.monotonic() - due))
