"""How many mails may be on their way to one destination, and when a dead one is left in peace (queue.md, dispatch).

As in Postfix's queue manager: begin with a few, add one after as many successes as there are places, take one away
after a failure to get a session. After some failures in a row the destination rests; then one mail at a time probes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from gateway.smtp.courier.failures import HandOverFailure, HopBusy, HopResting, Phase

PROBING = timedelta(seconds=5)
"""When to ask again about a destination that is being probed at this moment."""

REMEMBERED = 1000
"""Destinations without anything to remember are forgotten beyond that many."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How destinations are treated; ``most`` is what the places never exceed, ``patience`` how long one waits for one.

    After ``failures`` in a row a destination rests for ``rest``, twice as long after each probe that fails, at most
    ``longest``.
    """

    start: int = 5
    most: int = 20
    failures: int = 3
    rest: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(minutes=5)
    patience: float = 120


@dataclass(slots=True, kw_only=True)
class _Destination:
    window: float
    busy: int = 0
    failures: int = 0
    until: datetime | None = None
    last: timedelta = timedelta(0)
    status: str = ""
    is_probed: bool = False
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class Destinations:
    """Places by destination; one object for all of a courier's mails, used on one loop."""

    def __init__(self, rhythm: Rhythm, clock: Callable[[], datetime]) -> None:
        """``clock`` gives aware UTC times."""
        self._rhythm, self._clock = rhythm, clock
        self._known: dict[str, _Destination] = {}

    def resting(self, name: str) -> datetime | None:
        """Until when mails for it would be deferred at once; ``None`` when one may be handed over."""
        one = self._known.get(name)
        if one is None or one.until is None:
            return None
        now = self._clock()
        if now < one.until <= now + self._rhythm.longest:  # a clock that was set back must not make it rest for days
            return one.until
        return now + PROBING if one.is_probed else None

    @contextlib.asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[None]:
        """A place at the destination for the time of one hand-over, whose end teaches us how it is.

        Raises ``HopResting`` at once while it rests, ``HopBusy`` when no place becomes free in time.
        """
        one = self._known.setdefault(name, _Destination(window=min(self._rhythm.start, self._rhythm.most)))
        await self._enter(name, one)
        probes = one.until is not None
        one.is_probed = one.is_probed or probes
        try:
            yield
        except HandOverFailure as failure:
            self._learn(one, failure, probes=probes)
            raise
        else:
            self._succeeded(one)
        finally:
            if probes:
                one.is_probed = False
            self._leave(name, one)

    async def _enter(self, name: str, one: _Destination) -> None:
        if (resting := self._rest_of(name)) is not None:
            raise resting
        if one.busy < int(one.window) and not one.waiting:
            one.busy += 1
            return
        place = asyncio.get_running_loop().create_future()
        one.waiting.append(place)
        try:
            async with asyncio.timeout(self._rhythm.patience):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave(name, one)  # granted and given up in the same moment
            if isinstance(error, TimeoutError):
                raise HopBusy("no place free at the destination", phase=Phase.CONNECT) from error
            raise
        finally:
            with contextlib.suppress(ValueError):
                one.waiting.remove(place)

    def _leave(self, name: str, one: _Destination) -> None:
        """Gives the place to whoever waits longest, or tells all who wait that the destination rests."""
        one.busy -= 1
        while one.waiting and (one.busy < int(one.window) or self.resting(name)):
            place = one.waiting.popleft()
            if place.done():
                continue
            if (resting := self._rest_of(name)) is not None:
                place.set_exception(resting)
            else:
                one.busy += 1
                place.set_result(None)
        if not (one.busy or one.waiting or one.failures) and len(self._known) > REMEMBERED:
            del self._known[name]

    def _rest_of(self, name: str) -> HopResting | None:
        until = self.resting(name)
        if until is None:
            return None
        status = self._known[name].status
        return HopResting("the destination rests", phase=Phase.CONNECT, status=status, until=until)

    def _learn(self, one: _Destination, failure: HandOverFailure, *, probes: bool) -> None:
        """Only a session that could not be had says something about the destination; a refused letter is an answer."""
        if failure.is_an_answer:
            self._succeeded(one)
        elif not failure.permanent:  # that there is no route to it, or that we may not use it, says nothing
            self._failed(one, failure.status, probes=probes)

    def _succeeded(self, one: _Destination) -> None:
        if one.until is not None:
            _log.info("destination-wakes", status=one.status)
        one.failures, one.until, one.last = 0, None, timedelta(0)
        one.window = min(one.window + 1 / one.window, self._rhythm.most)

    def _failed(self, one: _Destination, status: str, *, probes: bool) -> None:
        one.failures += 1
        one.status = status
        one.window = max(one.window - 1, 1)
        if one.failures < self._rhythm.failures or (one.until is not None and not probes):
            return  # those that were on their way when it began to rest say nothing new
        one.last = min(2 * one.last or self._rhythm.rest, self._rhythm.longest)
        one.until = self._clock() + one.last
        one.window = 1
        _log.warning("destination-rests", status=status, seconds=int(one.last.total_seconds()), failures=one.failures)
