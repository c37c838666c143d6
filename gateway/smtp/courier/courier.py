"""The courier: one sealed mail to the next hop of its domain, once per call; when to try again is the queue's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from gateway.letter import Done, SealedMail
from gateway.smtp.courier.commands import NOTIFY, Parcel
from gateway.smtp.courier.connecting import open_dialogue
from gateway.smtp.courier.destinations import Destinations, Rhythm
from gateway.smtp.courier.failures import HandOverFailure, HopUnreachable
from gateway.smtp.courier.pool import Connection, Pool, PoolLimits
from gateway.smtp.courier.routes import Hop, Routes
from gateway.smtp.courier.timeouts import Timeouts
from gateway.smtp.courier.transaction import Transaction

OUT_OF_REACH = timedelta(minutes=1)
"""How long a host that could not be had is tried after the others of its domain."""

_log = structlog.get_logger(__name__)


class Courier:
    """Hands sealed mails over. Keeps connections; ``close`` ends them."""

    def __init__(
        self,
        *,
        routes: Routes,
        clock: Callable[[], datetime],
        our_name: str,
        timeouts: Timeouts | None = None,
        limits: PoolLimits | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        """``our_name`` is what EHLO says; ``clock`` gives aware UTC times."""
        self._routes = routes
        self._clock = clock
        self._timeouts = timeouts or Timeouts()
        self._pool = Pool(lambda hop: open_dialogue(hop, our_name, self._timeouts), limits or PoolLimits())
        self._out_of_reach: dict[Hop, datetime] = {}
        self._destinations = Destinations(rhythm or Rhythm(), clock)

    def destination(self, mailbox: str) -> str:
        """Where mail for the mailbox goes, as :meth:`resting` knows it: ``host:port`` of its route, or its domain.

        Pure, and without anything of the local part.
        """
        return self._routes.destination(mailbox.rpartition("@")[2])

    def resting(self, destination: str) -> datetime | None:
        """Until when :meth:`deliver` would raise ``HopResting`` at once; ``None`` when it would try."""
        return self._destinations.resting(destination)

    async def deliver(
        self,
        mail: SealedMail,
        *,
        notify: tuple[str, ...] = NOTIFY,
        orcpt: str | None = None,
        envid: str | None = None,
        before_dot: Callable[[], Awaitable[None]] | None = None,
    ) -> Done:
        """On return the next hop has answered 2xx to the final dot: it has taken responsibility (RFC 5321 §6.1).

        Raises ``HandOverFailure``, which is a ``TransientFailure`` or a ``PermanentFailure`` and tells phase, SMTP
        code and whether the next hop may hold the mail all the same. A next hop is tried only when the one before it
        could not be reached, or its session broke before the dot: what it answers to the letter is the answer.
        ``HopResting`` says that none was tried. ``before_dot`` has returned before any final dot is sent.
        """
        parcel = Parcel(mail=mail, notify=notify, orcpt=orcpt, envid=envid, before_dot=before_dot)
        async with self._destinations.place(self.destination(mail.mailbox)):
            return await self._to_first_in_reach(parcel)

    async def _to_first_in_reach(self, parcel: Parcel) -> Done:
        mail = parcel.mail
        hops = self._in_order(await self._routes.hops(mail.mailbox.rpartition("@")[2]))
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeouts.others
        for hop in hops[:-1]:
            try:
                return await self._hand_to(hop, parcel)
            except HandOverFailure as failure:
                if failure.is_an_answer or failure.ambiguous or loop.time() > until:
                    raise
                self._out_of_reach[hop] = self._clock() + OUT_OF_REACH
                _log.info("hop-skipped", letter_id=mail.letter, delivery_id=mail.delivery, status=failure.status)
        return await self._hand_to(hops[-1], parcel)

    def _in_order(self, hops: tuple[Hop, ...]) -> list[Hop]:
        """Each once; those that were out of reach a moment ago after the others, or each mail would wait for them."""
        now = self._clock()
        self._out_of_reach = {hop: until for hop, until in self._out_of_reach.items() if until > now}
        return sorted(dict.fromkeys(hops), key=lambda hop: hop in self._out_of_reach)

    async def end(self, seconds: float = 1.0) -> None:
        """As :meth:`close`, and waits until the kept connections are really closed."""
        await self._routes.end()
        await self._pool.end(seconds)

    def close(self) -> None:
        """Ends kept connections; mails under way are not waited for."""
        self._pool.close()

    async def _hand_to(self, hop: Hop, parcel: Parcel) -> Done:
        async with self._pool.slot(hop):
            connection = await self._pool.take(hop)
            was_kept = not connection.is_fresh
            transaction = Transaction(connection.dialogue, connection.offers, self._timeouts)
            try:
                return await self._carry(hop, connection, transaction, parcel)
            except HopUnreachable:
                # The hop closed a kept connection while our commands were on their way: it answered none of them.
                if not was_kept or transaction.spoken_to:
                    raise
            connection = await self._pool.take(hop, fresh=True)
            transaction = Transaction(connection.dialogue, connection.offers, self._timeouts)
            return await self._carry(hop, connection, transaction, parcel)

    async def _carry(self, hop: Hop, connection: Connection, transaction: Transaction, parcel: Parcel) -> Done:
        """Gives the connection back whatever happens; a cancelled hand-over is cut at once."""
        try:
            reply = await transaction.carry(parcel)
        except HandOverFailure:
            raise
        except BaseException:
            connection.dialogue.abort()
            raise
        finally:
            self._pool.give_back(hop, connection, keep=transaction.is_clean)
        return Done(at=self._clock(), code=reply.code, status=reply.status, dsn_offered=connection.offers.dsn)
