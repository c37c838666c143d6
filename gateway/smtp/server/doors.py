"""Opens and closes the SMTP door's listeners."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from types import MappingProxyType

import structlog

from gateway.smtp.server.contract import Clock, Ids, Intake
from gateway.smtp.server.credentials import Credentials
from gateway.smtp.server.door import SharedDoor
from gateway.smtp.server.session import SmtpSession
from gateway.smtp.server.settings import SmtpDoorSettings, SmtpListener

_HANDSHAKE_SECONDS = 15.0
_SHUTDOWN_SECONDS = 5.0
_CLOSING = "421 4.3.2 Closing, try again later"

_log = structlog.get_logger()


class SmtpDoors:
    """Open listeners; ``ports`` tells the port of each by the listener's name."""

    def __init__(self, door: SharedDoor, servers: dict[str, asyncio.Server]) -> None:
        self._door = door
        self._servers = servers
        self.ports = MappingProxyType({name: server.sockets[0].getsockname()[1] for name, server in servers.items()})

    @property
    def connections(self) -> int:
        """Connections open now."""
        return self._door.gate.connections

    async def close(self) -> None:
        """Let letters that are under way finish, at most ``limits.drain``; new connections hear 421 (promise F6).

        On return nothing listens, no session lives, and no commit of ours is unsettled.
        """
        self._door.draining = True
        for session in list(self._door.sessions):
            if not session.receiving:
                session.farewell(_CLOSING)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._door.empty.wait(), self._door.limits.drain.total_seconds())
        for server in self._servers.values():
            server.close()
        for session in list(self._door.sessions):
            session.abort()
        await asyncio.gather(*self._door.commits, return_exceptions=True)
        self._door.credentials.close()
        _log.info("smtp_closed")


async def open_smtp_doors(settings: SmtpDoorSettings, intake: Intake, clock: Clock, ids: Ids) -> SmtpDoors:
    """Listen on every listener of ``settings``; raises ``OSError`` with none open when one port cannot be had."""
    # aiosmtpd logs commands with their addresses (promise E12); what we need to know we log ourselves.
    logging.getLogger("mail.log").disabled = True
    credentials = Credentials(
        settings.sources,
        key=secrets.token_bytes(32),
        monotonic=asyncio.get_running_loop().time,
        max_guesses=settings.limits.max_guesses,
    )
    door = SharedDoor(settings, intake, clock, ids, credentials=credentials)
    servers: dict[str, asyncio.Server] = {}
    try:
        for listener in settings.listeners:
            servers[listener.name] = await _listen(door, listener)
    except OSError:
        for server in servers.values():
            server.close()
        raise
    doors = SmtpDoors(door, servers)
    _log.info("smtp_open", ports=dict(doors.ports))
    return doors


async def _listen(door: SharedDoor, listener: SmtpListener) -> asyncio.Server:
    def session() -> SmtpSession:
        try:
            return SmtpSession(door, listener)
        except Exception as error:
            # asyncio drops the connection without a word when a protocol cannot be made.
            _log.critical("smtp_no_session", listener=listener.name, error=type(error).__name__)
            raise

    implicit = listener.tls if listener.implicit_tls else None
    return await asyncio.get_running_loop().create_server(
        session,
        listener.host,
        listener.port,
        ssl=implicit,
        ssl_handshake_timeout=_HANDSHAKE_SECONDS if implicit else None,
        ssl_shutdown_timeout=_SHUTDOWN_SECONDS if implicit else None,
        reuse_port=listener.reuse_port or None,
        backlog=1024,
    )
