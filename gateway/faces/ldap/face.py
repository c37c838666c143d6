"""Opens and closes the LDAP address book's listeners."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType

import structlog

from directory import Directory
from gateway.accepting import Accepting, open_sockets, unproved, why_no_handshake
from gateway.faces.ldap.book import AddressBook
from gateway.faces.ldap.searching import Searcher
from gateway.faces.ldap.session import Rules, Session
from gateway.faces.ldap.settings import Accounts, LdapFaceSettings, LdapListener, is_loopback
from gateway.faces.ldap.wire import Wire

_HANDSHAKE_SECONDS = 15.0

_log = structlog.get_logger()


class LdapFace:
    """Open listeners; ``ports`` tells the port of each by the listener's name."""

    def __init__(
        self, settings: LdapFaceSettings, directory: Directory, accounts: Accounts, *, clock: Callable[[], datetime]
    ) -> None:
        self._settings, self._accounts = settings, accounts
        limits = settings.limits
        book = AddressBook(directory, base=settings.base, clock=clock, most=limits.max_entries)
        self._searcher = Searcher(book, threads=limits.threads, waiting=limits.waiting, seconds=limits.max_seconds)
        self._accepting: dict[str, Accepting] = {}
        self._sessions: set[asyncio.Task[None]] = set()
        self._from: Counter[str] = Counter()

    @property
    def ports(self) -> MappingProxyType[str, int]:
        """The port of each listener."""
        return MappingProxyType({name: one.port for name, one in self._accepting.items()})

    async def open(self) -> None:
        """Listen; raises ``OSError`` with nothing open when one port cannot be had."""
        try:
            for listener in self._settings.listeners:
                self._accepting[listener.name] = await self._listen(listener)
        except OSError:
            await self.close()
            raise
        _log.info("ldap_open", ports=dict(self.ports))

    async def close(self) -> None:
        """Stop listening and end every session; nobody loses anything by it."""
        for one in self._accepting.values():
            await one.close()
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        self._searcher.close()
        self._accounts.close()

    async def _listen(self, listener: LdapListener) -> Accepting:
        async def arrive(connection: socket.socket, address: str) -> None:
            await self._arrive(listener, connection, address)

        def cannot(error: OSError) -> None:
            _log.error("ldap_cannot_accept", listener=listener.name, error=error.errno)

        return Accepting(await open_sockets(listener.host, listener.port), arrive, cannot)

    async def _arrive(self, listener: LdapListener, connection: socket.socket, address: str) -> None:
        """From a socket to a session; whoever finds no place is let go without a word."""
        limits = self._settings.limits
        if self._from.total() >= limits.max_connections or self._from[address] >= limits.max_per_address:
            _log.warning("ldap_too_many_connections", listener=listener.name)
            connection.close()
            return
        self._from[address] += 1
        wire = Wire(largest=limits.max_message, patience=limits.message.total_seconds())
        try:
            await self._connect(listener, connection, wire)
        except BaseException as error:
            self._leave(address)
            connection.close()
            if not isinstance(error, OSError):
                raise
            log = _log.warning if unproved(error) else _log.info
            log("ldap_handshake_failed", listener=listener.name, reason=why_no_handshake(error))
            return
        task = asyncio.get_running_loop().create_task(Session(self._rules(listener), wire, address).run())
        self._sessions.add(task)
        task.add_done_callback(lambda done: self._ended(done, address))

    async def _connect(self, listener: LdapListener, connection: socket.socket, wire: Wire) -> None:
        implicit = listener.tls if listener.implicit_tls else None
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: wire, connection, ssl=implicit, ssl_handshake_timeout=_HANDSHAKE_SECONDS if implicit else None
        )

    def _rules(self, listener: LdapListener) -> Rules:
        return Rules(
            searcher=self._searcher,
            accounts=self._accounts,
            limits=self._settings.limits,
            anonymous=self._settings.anonymous,
            tls=listener.tls,
            needs_tls=not is_loopback(listener.host),
        )

    def _ended(self, task: asyncio.Task[None], address: str) -> None:
        self._sessions.discard(task)
        self._leave(address)
        if not task.cancelled() and (error := task.exception()):
            _log.error("ldap_session_fault", error=type(error).__name__)

    def _leave(self, address: str) -> None:
        self._from[address] -= 1
        if self._from[address] <= 0:
            del self._from[address]


async def open_ldap_face(
    settings: LdapFaceSettings, directory: Directory, accounts: Accounts, *, clock: Callable[[], datetime]
) -> LdapFace:
    """Listen on every listener of ``settings``; raises ``OSError`` with none open when one port cannot be had."""
    face = LdapFace(settings, directory, accounts, clock=clock)
    await face.open()
    return face
