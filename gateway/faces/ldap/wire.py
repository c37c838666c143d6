"""Octets of one connection to whole LDAP messages, and answers back; TLS begins where it was asked for."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from gateway.faces.ldap.reading import NotLdap

_SEQUENCE = 0x30
_HANDSHAKE_SECONDS = 15.0


class Wire(asyncio.Protocol):
    """Reads no more than one message ahead of the session. ``arrived`` is called once with the connection."""

    def __init__(self, *, largest: int, patience: float) -> None:
        """``largest`` octets a message; ``patience`` seconds for the rest of one and for an answer to be taken."""
        self._largest, self._patience = largest, patience
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self._more, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()

    @property
    def encrypted(self) -> bool:
        """Whether TLS protects it now."""
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is not None

    # What asyncio calls ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or begin again inside TLS."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep it; stop reading while there is a message's worth."""
        self._buffer += data
        if len(self._buffer) > self._largest and self._transport:
            self._transport.pause_reading()
        self._more.set()

    def eof_received(self) -> bool:
        """Whoever closes his half has nothing more to ask."""
        self._ended = True
        self._more.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Over."""
        self._ended = True
        self._more.set()
        self._room.set()

    def pause_writing(self) -> None:
        """The client does not take its answers."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._room.set()

    # What the session calls ------------------------------------------------------------------------------------------

    async def message(self, idle: float) -> bytes | None:
        """The next whole message; ``None`` at the end, or after ``idle`` seconds without one.

        Raises :class:`NotLdap` for what cannot be a message, is too large, or does not arrive whole in time.
        """
        began: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            whole = message_length(self._buffer, self._largest)
            if whole is not None and len(self._buffer) >= whole:
                return self._taken(whole)
            if self._ended:
                return None
            if self._buffer and began is None:
                began = loop.time()
            left = idle if began is None else began + self._patience - loop.time()
            try:
                async with asyncio.timeout(left):
                    await self._more.wait()
            except TimeoutError:
                if began is None:
                    return None
                raise NotLdap("half a message") from None
            self._more.clear()

    def _taken(self, length: int) -> bytes:
        octets = bytes(self._buffer[:length])
        del self._buffer[:length]
        if self._transport and len(self._buffer) <= self._largest and not self._transport.is_closing():
            self._transport.resume_reading()
        return octets

    async def write(self, octets: bytes) -> None:
        """Send; raises ``TimeoutError`` when the client takes nothing for too long, ``ConnectionError`` when gone."""
        if self._transport is None or self._ended or self._transport.is_closing():
            raise ConnectionResetError("gone")
        self._transport.write(octets)
        async with asyncio.timeout(self._patience):
            await self._room.wait()

    def hold(self) -> bool:
        """Read nothing more in clear; false when the client sent something already behind its last message."""
        if self._transport:
            self._transport.pause_reading()
        return not self._buffer

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on inside TLS (RFC 4511 §4.14); what came in clear after :meth:`hold` was never read.

        Raises ``OSError`` when the handshake fails.
        """
        if self._transport is None:
            raise ConnectionResetError("gone")
        loop = asyncio.get_running_loop()
        inside = await loop.start_tls(
            self._transport, self, context, server_side=True, ssl_handshake_timeout=_HANDSHAKE_SECONDS
        )
        if inside is None:
            raise ConnectionResetError("gone")
        self._transport = inside

    def close(self) -> None:
        """What was written leaves, then the connection ends."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        if self._transport:
            self._transport.abort()


def message_length(buffer: bytes | bytearray, largest: int) -> int | None:
    """Octets of the message that begins the buffer, as soon as they can be told (X.690 §8.1.3, definite form).

    Raises :class:`NotLdap`: no SEQUENCE, an indefinite length, or more than ``largest``.
    """
    if buffer and buffer[0] != _SEQUENCE:
        raise NotLdap("not LDAP")
    if len(buffer) < 2:
        return None
    first = buffer[1]
    if first < 0x80:
        return 2 + first
    octets = first & 0x7F
    if not 1 <= octets <= 4:
        raise NotLdap("length")
    if len(buffer) < 2 + octets:
        return None
    whole = 2 + octets + int.from_bytes(buffer[2 : 2 + octets], "big")
    if whole > largest:
        raise NotLdap("too large")
    return whole
