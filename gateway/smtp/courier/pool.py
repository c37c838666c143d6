"""Keeps connections to each hop for the next mail: a new TLS session costs more than the whole rest of a hand-over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from gateway.smtp.courier.commands import Offers
from gateway.smtp.courier.dialogue import Dialogue
from gateway.smtp.courier.routes import Hop

Opening = Callable[[Hop], Awaitable[tuple[Dialogue, Offers]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """At most so many connections at once to one hop, so many mails over one, so many seconds kept idle."""

    connections: int = 20
    mails: int = 100
    idle: float = 30


@dataclass(slots=True, kw_only=True)
class Connection:
    """One open session with a hop, used by one mail at a time."""

    dialogue: Dialogue
    offers: Offers
    mails: int = 0
    expiry: asyncio.TimerHandle | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it never carried anything: a failure of a kept one may only mean that the hop had closed it."""
        return self.mails == 0


class Pool:
    """Connections by hop. Give them back with ``keep=False`` after anything unusual."""

    def __init__(self, opening: Opening, limits: PoolLimits) -> None:
        """``opening`` makes a connection; nothing is opened before somebody asks."""
        self._opening = opening
        self._limits = limits
        self._idle: dict[Hop, list[Connection]] = {}
        self._slots: dict[Hop, asyncio.Semaphore] = {}

    @contextlib.asynccontextmanager
    async def slot(self, hop: Hop) -> AsyncIterator[None]:
        """Waits until the hop has fewer mails under way than the limit."""
        async with self._slots.setdefault(hop, asyncio.Semaphore(self._limits.connections)):
            yield

    async def take(self, hop: Hop, *, fresh: bool = False) -> Connection:
        """A kept connection that is still quiet and open, else a new one."""
        idle = self._idle.get(hop, [])
        while idle and not fresh:
            kept = idle.pop()
            if kept.expiry is not None:
                kept.expiry.cancel()
            if kept.dialogue.is_open and not kept.dialogue.has_unread:
                return kept
            kept.dialogue.close()
        dialogue, offers = await self._opening(hop)
        return Connection(dialogue=dialogue, offers=offers)

    def give_back(self, hop: Hop, connection: Connection, *, keep: bool) -> None:
        """Keeps it for ``idle`` seconds, or closes it."""
        connection.mails += 1
        if not keep or connection.mails >= self._limits.mails or not connection.dialogue.is_open:
            connection.dialogue.close()
            return
        loop = asyncio.get_running_loop()
        connection.expiry = loop.call_later(self._limits.idle, self._expire, hop, connection)
        self._idle.setdefault(hop, []).append(connection)

    async def end(self, seconds: float) -> None:
        """Ends every kept connection; on return their sockets are closed."""
        kept = [connection.dialogue for connections in self._idle.values() for connection in connections]
        self.close()
        await asyncio.gather(*(dialogue.end(seconds) for dialogue in kept))

    def close(self) -> None:
        """Ends every kept connection."""
        for hop in list(self._idle):
            for connection in list(self._idle[hop]):
                self._expire(hop, connection)

    def _expire(self, hop: Hop, connection: Connection) -> None:
        kept = self._idle.get(hop, [])
        if connection in kept:
            kept.remove(connection)
        if connection.expiry is not None:
            connection.expiry.cancel()
        connection.dialogue.close()
