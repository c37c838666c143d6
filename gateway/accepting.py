"""Connections off listening sockets, before they are sessions: what asyncio's own servers do, and say nothing about.

Those put TLS straight on the socket: no header before it, no count of those who never finish their handshake, and no
word about why one failed (promise E4 asks for one clear line).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

_BACKLOG = 1024
_PAUSE = 0.2
"""Seconds, when the system has no descriptor for one more connection."""

Arrive = Callable[[socket.socket, str], Awaitable[None]]
"""What becomes of one connection, from this address; it catches what may go wrong."""


class Accepting:
    """Open sockets, and the connections that have not arrived yet."""

    def __init__(self, sockets: list[socket.socket], arrive: Arrive, cannot: Callable[[OSError], None]) -> None:
        """``cannot`` is told when the system gives no connection; the next one is tried a moment later."""
        self._sockets, self._arrive, self._cannot = sockets, arrive, cannot
        self._arriving: set[asyncio.Future[None]] = set()
        loop = asyncio.get_running_loop()
        self._accepting = [loop.create_task(self._accept(listening)) for listening in sockets]

    @property
    def port(self) -> int:
        """The port of the first address."""
        return int(self._sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Nothing listens any more, and whoever had not arrived is let go."""
        tasks = [*self._accepting, *self._arriving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listening)
            except OSError as error:
                self._cannot(error)
                await asyncio.sleep(_PAUSE)
                continue
            task = asyncio.ensure_future(self._arrive(connection, str(address[0])))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)
            await asyncio.sleep(0)  # sock_accept does not yield while connections wait


async def open_sockets(host: str, port: int, *, reuse_port: bool = False) -> list[socket.socket]:
    """One for each of the host's addresses; raises ``OSError`` with nothing open."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            sockets.append(_open(family, address[:2], reuse_port=reuse_port))
    except OSError:
        for listening in sockets:
            listening.close()
        raise
    return sockets


def unproved(error: BaseException | None) -> bool:
    """Whether a handshake failed over a certificate, and not because somebody went away."""
    return isinstance(error, ssl.SSLCertVerificationError)


def why_no_handshake(error: BaseException | None) -> str:
    """The reason in OpenSSL's words: they name nobody."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return type(error).__name__


def _open(family: int, address: tuple[object, ...], *, reuse_port: bool) -> socket.socket:
    listening = socket.create_server(
        (str(address[0]), int(str(address[1]))), family=family, backlog=_BACKLOG, reuse_port=reuse_port
    )
    listening.settimeout(0)
    return listening
