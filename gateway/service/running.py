"""A gateway alive: doors open, queue swept, receipts heard, senders told; a clean end on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Self

import structlog

from gateway import journal
from gateway.control import open_control
from gateway.crypto.certificates import as_organisations
from gateway.imap.session import Session
from gateway.imap.watch import Opening
from gateway.queue.afterwards import Noting
from gateway.queue.store import Store
from gateway.service.alarms import Watch
from gateway.service.alarms.ends import Ends
from gateway.service.alarms.pulse import WINDOW, Pulse
from gateway.service.build import Gateway
from gateway.service.from_settings.entrances import Entrances
from gateway.service.from_settings.faces import Faces
from gateway.service.from_settings.ladder import clocks_of
from gateway.service.process.forgetting import Forgetting
from gateway.service.process.metrics import open_metrics
from gateway.service.process.redrawing import Redrawing
from gateway.service.process.supervisor import notify, watchdog
from gateway.service.upkeep.orders import Orders

SWEEP, TELL, TIDY, RECOVER, FORGET = 1.0, 2.0, 60.0, 5.0, 3600.0
RENEWALS = 6
"""Leases are renewed so often in the time that one lasts: five commits may fail before one is lost."""
DRAIN = 20.0
"""Seconds from the word to stop until the last letter under way is left to the next start (promise F6)."""
LAST = 2.0
"""Of these at least so many are left for deliveries when the doors took all the others."""
IMPATIENT = 4
"""Exit code after a second word to stop, as for anything temporary."""


class Running:
    """One gateway's tasks. ``async with`` opens everything and closes it in the opposite order."""

    def __init__(self, gateway: Gateway, *, receipts_opening: Opening = Session.open) -> None:
        """Nothing runs yet; ``receipts_opening`` is how the receipts mailbox is reached."""
        self._gateway = gateway
        self.entrances = Entrances(gateway, opening=receipts_opening)
        self.faces = Faces(gateway.settings, clock=gateway.clock)
        self.watch = _watch(gateway)
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = contextlib.AsyncExitStack()
        self._until = 0.0

    @property
    def store(self) -> Store:
        """Where everything is written."""
        return self._gateway.store

    async def __aenter__(self) -> Self:
        """Free what a dead process held, begin to work, then open the doors; what fails leaves nothing open."""
        try:
            return await self._opened()
        except BaseException:
            self._until = asyncio.get_running_loop().time() + DRAIN
            await self._stack.aclose()
            raise

    async def _opened(self) -> Self:
        gateway = self._gateway
        self._stack.callback(gateway.store.close)
        self._stack.push_async_callback(gateway.courier.end)
        await gateway.readers.start()
        self._stack.push_async_callback(gateway.readers.close)
        freed = await gateway.worker.recover(everything=True)
        await gateway.worker.try_suspects()
        self._stack.push_async_callback(self._drain)
        await self._open_control()
        self._open_metrics()
        self._work()
        await self.entrances.open()
        self._stack.push_async_callback(self.entrances.close)
        await self.faces.open()
        self._stack.push_async_callback(self.faces.close)
        structlog.get_logger().info("gateway-open", freed=freed, doors={**self.entrances.told(), **self.faces.ports})
        notify("READY=1")
        return self

    async def __aexit__(self, *_: object) -> None:
        """No new work, then the doors, then what is under way, then the disk: 20 s in all (promise F6)."""
        notify("STOPPING=1")
        self._gateway.worker.begin_nothing()
        self._until = asyncio.get_running_loop().time() + DRAIN
        await self._stack.aclose()
        structlog.get_logger().info("gateway-closed")

    async def until_told_to_stop(self) -> bool:
        """Run until SIGTERM or SIGINT, or until a commit failed; ``False`` in that case: a restart must recover.

        A second SIGTERM ends the process where it stands, as a kill would: what was under way is recovered at the next
        start. SIGHUP does nothing: TLS files are read again by themselves.
        """
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
            if self._gateway.store.broken:
                return False
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop_at_once)
        return True

    async def settle(self) -> None:
        """One round of everything that is otherwise done by the clock; for tests and the demonstration."""
        gateway = self._gateway
        await gateway.keeper.drain(DRAIN)
        await gateway.keeper.resume(gateway.journey.travel)
        await gateway.worker.sweep()

    def _work(self) -> None:
        gateway = self._gateway
        self._every(SWEEP, gateway.worker.catch_up)
        self._every(SWEEP, self._resume)
        self._every(TELL, self.entrances.teller.tell)
        self._every(TELL, gateway.answering.tell)
        self._every(gateway.settings.queue.lease_seconds / RENEWALS, gateway.worker.renew)
        self._every(RECOVER, gateway.worker.recover)
        self._every(TIDY, gateway.worker.expire)
        self._every(TIDY, gateway.store.tidy)
        self._every(TIDY, self._remind)
        self._every(TIDY, gateway.keys.look)
        self._every(TIDY, gateway.checkpoints.checkpoint)
        self._every(TIDY, gateway.escalating.look)
        if gateway.seeking.wanted:
            self._every(RECOVER, gateway.seeking.look)
        if gateway.listing.wanted:
            self._every(gateway.listing.every.total_seconds(), gateway.listing.look)
        months = gateway.settings.retention.metadata_months
        self._every(FORGET, Forgetting(gateway.store, months, clock=gateway.clock, vault=gateway.vault).look)
        self._every(FORGET, gateway.answering.tidy)
        self._every(FORGET, Redrawing(gateway.store).look)
        self._every(self.watch.limits.every_seconds, self.watch.look)
        self._spawn(self.watch.pulse.beat())
        wanted = watchdog()
        if wanted:
            self._every(wanted.total_seconds() / 3, self._feed)

    async def _remind(self) -> None:
        """A held letter is never forgotten: its sender hears again, and whoever reads the journal does."""
        for event in await self._gateway.store.remind(timedelta(days=self._gateway.settings.queue.held_days)):
            journal.warn(event)

    async def _resume(self) -> None:
        await self._gateway.keeper.resume(self._gateway.journey.travel)

    async def _feed(self) -> None:
        """Only while this loop turns and the writer's thread commits: whoever hangs is restarted."""
        await self._gateway.store.note(Noting())
        notify("WATCHDOG=1")

    def _every(self, seconds: float, work: Callable[[], Awaitable[Any]]) -> None:
        self._spawn(_again_and_again(seconds, work, self.watch.round_ended))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _open_control(self) -> None:
        gateway = self._gateway
        orders = Orders(
            gateway.store,
            clock=gateway.clock,
            keys=gateway.keys,
            checkpoints=gateway.checkpoints,
            submit=self.entrances.submit,
            stays=gateway.stays,
            clocks=clocks_of(gateway.settings),
        )
        server = await open_control(gateway.settings.gateway.data / "control.sock", orders.obey)
        self._stack.callback(server.close)

    def _open_metrics(self) -> None:
        gateway = self._gateway
        port = gateway.settings.gateway.metrics_port
        if port:
            server = open_metrics(port, gateway.store, gateway.clock, self.watch, lambda: not gateway.store.broken)
            self._stack.callback(server.server_close)
            self._stack.callback(server.shutdown)

    async def _drain(self) -> None:
        """What is under way gets what is left of the 20 s; what is not done by then is recovered at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.entrances.teller.end()
        await self._gateway.answering.end()
        await self._gateway.keeper.drain(self._left())
        await self._gateway.worker.drain(self._left())

    def _left(self) -> float:
        return max(LAST, self._until - asyncio.get_running_loop().time())


def _watch(gateway: Gateway) -> Watch:
    settings = gateway.settings
    return Watch(
        store=gateway.store,
        directory=gateway.directory,
        ends=Ends(settings),
        limits=settings.alarms,
        letters_wait=timedelta(minutes=settings.escalation.alert_operator_minutes),
        folder=settings.gateway.data,
        fallen=lambda: gateway.readers.fallen,
        directory_stale=timedelta(days=settings.directory.stale_days),
        list_needed=settings.directory.white_list_ca is not None,
        clock=gateway.clock,
        incidents=gateway.incidents,
        organisations=as_organisations(settings.crypto.organisation_certificates),
        pulse=Pulse(window=min(WINDOW, settings.alarms.recent_minutes * 60)),
    )


def _stop_at_once() -> None:
    structlog.get_logger().warning("stopped-at-once")
    os._exit(IMPATIENT)


async def _again_and_again(seconds: float, work: Callable[[], Awaitable[Any]], ended: Callable[..., None]) -> None:
    """A round that fails is journaled and the next one tries again."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 (atop a task)
            structlog.get_logger().error("round-failed", round=work.__name__, error=type(error).__name__)
            ended(work.__name__, well=False)
        else:
            ended(work.__name__, well=True)
        await asyncio.sleep(seconds)
