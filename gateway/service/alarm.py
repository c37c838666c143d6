"""One journal line when letters begin to wait too long, and one when it is over: neither floods nor silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from gateway.queue import queries
from gateway.queue.store import Store


class WaitingAlarm:
    """Looks at the oldest open delivery; the metric ``huitaine_oldest_open_seconds`` tells the same all the time."""

    def __init__(self, store: Store, after: timedelta, *, clock: Callable[[], datetime]) -> None:
        """``after`` is how long a delivery may be open before somebody should look."""
        self._store, self._after, self._clock = store, after, clock
        self._open = False

    async def look(self) -> bool:
        """One round; whether the alarm is on."""
        with self._store.reading() as connection:
            oldest = queries.oldest_due(connection)
        waits = self._clock() - oldest if oldest else timedelta(0)
        late = waits > self._after
        if late != self._open:
            told = structlog.get_logger().warning if late else structlog.get_logger().info
            told("letters-wait" if late else "letters-flow-again", oldest_seconds=int(waits.total_seconds()))
        self._open = late
        return late
