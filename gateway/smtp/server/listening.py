"""Accepts connections: the proxy's header where one is due, a place at the gate, TLS where it comes first."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import structlog

from gateway.accepting import Accepting, open_sockets
from gateway.smtp.server.addresses import network_of
from gateway.smtp.server.door import SharedDoor
from gateway.smtp.server.proxied import NoProxyHeader, client_behind
from gateway.smtp.server.session import SmtpSession
from gateway.smtp.server.settings import SmtpListener

_HANDSHAKE_SECONDS = 15.0
_SHUTDOWN_SECONDS = 5.0

_log = structlog.get_logger()


class Listening:
    """One listener's open sockets and the connections that are not sessions yet."""

    def __init__(self, door: SharedDoor, listener: SmtpListener, sockets: list[socket.socket]) -> None:
        self._door, self._listener = door, listener
        self._accepting = Accepting(sockets, self._arrive, self._cannot)

    @property
    def port(self) -> int:
        """The port of the first address."""
        return self._accepting.port

    async def close(self) -> None:
        """Nothing listens any more, and whoever had not arrived is let go."""
        await self._accepting.close()

    def _cannot(self, error: OSError) -> None:
        _log.error("smtp_cannot_accept", listener=self._listener.name, error=error.errno)

    async def _arrive(self, connection: socket.socket, address: str) -> None:
        """From a socket to a session; whatever goes wrong before is journaled and ends this connection alone."""
        try:
            client = await self._client(connection, address)
            if client is not None:
                await self._welcome(connection, network_of(client))
        except Exception as error:  # noqa: BLE001  atop a task
            _log.critical("smtp_no_session", listener=self._listener.name, error=type(error).__name__)
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    async def _client(self, connection: socket.socket, address: str) -> str | None:
        """Who is there: the far end of the socket, or whom a listed proxy speaks for; ``None`` when let go."""
        if not self._listener.proxies:
            return address
        if not any(_plain(address) in proxy for proxy in self._listener.proxies):
            self._turn_away(connection, "not a listed proxy")
            return None
        try:
            async with asyncio.timeout(self._door.limits.proxy_header.total_seconds()):
                return await client_behind(connection) or address
        except (NoProxyHeader, TimeoutError, OSError) as error:
            self._turn_away(connection, str(error) if isinstance(error, NoProxyHeader) else type(error).__name__)
            return None

    def _turn_away(self, connection: socket.socket, reason: str) -> None:
        _log.warning("smtp_proxy_refused", listener=self._listener.name, reason=reason)
        connection.close()

    async def _welcome(self, connection: socket.socket, network: str) -> None:
        implicit = self._listener.tls if self._listener.implicit_tls else None
        admitted = self._door.gate.admit(network)
        if implicit is not None and not admitted:
            # No handshake for one who would only hear 421: it costs us two milliseconds and him nothing.
            _log.info("smtp_too_many", listener=self._listener.name, network=network)
            connection.close()
            return
        session = SmtpSession(self._door, self._listener, network=network, admitted=admitted)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: session,
                connection,
                ssl=implicit,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if implicit else None,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS if implicit else None,
            )
        except OSError as error:
            session.log_failed_handshake(error)
        finally:
            if session.transport is None:
                session.leave_gate()


async def listen(door: SharedDoor, listener: SmtpListener) -> Listening:
    """Open the listener's address, or take the socket it was given; raises ``OSError`` with nothing open."""
    if listener.given is not None:
        listener.given.settimeout(0)
        return Listening(door, listener, [listener.given])
    sockets = await open_sockets(listener.host, listener.port, reuse_port=listener.reuse_port)
    return Listening(door, listener, sockets)


def _plain(address: str) -> IPv4Address | IPv6Address:
    """On a socket of both families, as systemd opens them, IPv4 comes as ``::ffff:192.0.2.1``."""
    found = ip_address(address.partition("%")[0])
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
