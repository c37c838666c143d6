"""What nobody needs by name any more after some months, in the queue and in the clock's tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.delays.forgetting import forget_doctors, forget_patients
from gateway.queue import erasing
from gateway.queue.bodies import AtRest
from gateway.queue.store import Store
from gateway.service.clock.stay_names import keep_readable


class Forgetting:
    """Metadata is pseudonymised when its time is over (promises.md F3)."""

    def __init__(
        self, store: Store, months: int, *, clock: Callable[[], datetime], vault: AtRest | None = None
    ) -> None:
        """``months`` of 365/12 days; ``vault`` keeps the names behind missing letters readable meanwhile."""
        self._store, self._after, self._clock = store, timedelta(days=365 * months / 12), clock
        self._vault = vault

    async def look(self) -> int:
        """Forget what is due, in small steps; gives how many letters."""
        now, done = self._clock(), 0
        horizon = now - self._after
        while some := await self._store.write(erasing.forget_people, erasing.Forgetting(now=now, horizon=horizon)):
            done += some
        await self._store.write(forget_doctors, horizon)
        await self._store.write(forget_patients, horizon)
        if self._vault is not None:
            await self._store.write(keep_readable, self._vault)
        return done
