"""Opens and closes the SMTP door's listeners."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import secrets
from types import MappingProxyType

import structlog

from gateway.smtp.server.contract import Clock, Ids, Intake
from gateway.smtp.server.credentials import Credentials
from gateway.smtp.server.door import SharedDoor
from gateway.smtp.server.known import KnownNetworks
from gateway.smtp.server.listening import Listening, listen
from gateway.smtp.server.settings import SmtpDoorSettings

_CLOSING = "421 4.3.2 Closing, try again later"

_FOR_THE_REST = 1024
"""Descriptors for the queue, the courier and the other doors."""

_log = structlog.get_logger()


class SmtpDoors:
    """Open listeners; ``ports`` tells the port of each by the listener's name."""

    def __init__(self, door: SharedDoor, listening: dict[str, Listening]) -> None:
        self._door = door
        self._listening = listening
        self.ports = MappingProxyType({name: one.port for name, one in listening.items()})

    @property
    def connections(self) -> int:
        """Connections open now."""
        return self._door.gate.connections

    async def close(self) -> None:
        """Let letters that are under way finish, at most ``limits.drain``; new connections hear 421 (promise F6).

        On return nothing listens and no session lives. A commit that takes longer than ``limits.settle`` goes on
        without us: nobody was told yes, and what the store keeps of it is whole (promise A7).
        """
        self._door.draining = True
        for session in list(self._door.sessions):
            if not session.receiving:
                session.farewell(_CLOSING)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._door.empty.wait(), self._door.limits.drain.total_seconds())
        for listening in self._listening.values():
            await listening.close()
        for session in list(self._door.sessions):
            session.abort()
        left = await self._settled()
        self._door.credentials.close()
        _log.info("smtp_closed", unsettled=left)

    async def _settled(self) -> int:
        """Wait for commits under way, but not for ever: a store that hangs must not keep the process (F6)."""
        if not self._door.commits:
            return 0
        _, left = await asyncio.wait(set(self._door.commits), timeout=self._door.limits.settle.total_seconds())
        return len(left)


async def open_smtp_doors(settings: SmtpDoorSettings, intake: Intake, clock: Clock, ids: Ids) -> SmtpDoors:
    """Listen on every listener of ``settings``; raises ``OSError`` with none open when one port cannot be had."""
    # aiosmtpd logs commands with their addresses (promise E12); what we need to know we log ourselves.
    for name in ("mail.log", "mail.debug"):
        logging.getLogger(name).disabled = True
    credentials = Credentials(
        settings.sources,
        key=secrets.token_bytes(32),
        monotonic=asyncio.get_running_loop().time,
        max_guesses=settings.limits.max_guesses,
        known=KnownNetworks(settings.known),
    )
    door = SharedDoor(settings, intake, clock, ids, credentials=credentials)
    _make_room(settings.limits.max_connections + _FOR_THE_REST)
    listening: dict[str, Listening] = {}
    try:
        for listener in settings.listeners:
            listening[listener.name] = await listen(door, listener)
    except OSError:
        for opened in listening.values():
            await opened.close()
        raise
    doors = SmtpDoors(door, listening)
    _log.info("smtp_open", ports=dict(doors.ports))
    return doors


def _make_room(wanted: int) -> None:
    """Let this process open so many files: a shell grants 1,024, and the queue needs some when the door is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < granted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < wanted:
        _log.warning("smtp_few_descriptors", granted=granted, wanted=wanted)
