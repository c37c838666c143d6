"""Tells over MLLP: one message, one answer, on one connection, in order (HL7 v2 Transport, MLLP release 1)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from gateway.receipts.hl7_ack import read_ack
from gateway.receipts.saying import Again, Said

START, END = b"\x0b", b"\x1c\r"
LARGEST_ANSWER = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpPeer:
    """Where the hospital's software listens; without ``tls`` it is on this machine."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    seconds: float = 30.0


class MllpClient:
    """One connection. After anything but an answer to what was asked it is closed: nothing late can be taken for more.

    ``async with`` connects at the first message and closes at the end.
    """

    def __init__(self, peer: MllpPeer) -> None:
        """Nothing is connected yet."""
        self._peer = peer
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        """Ready to tell."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self._close()

    async def tell(self, message: bytes, control_id: str) -> Said:
        """Send ``message``, whose MSH-10 is ``control_id``, and read its answer; raises nothing of the network."""
        try:
            async with asyncio.timeout(self._peer.seconds):
                said = read_ack(await self._exchange(message), about=control_id)
        except ssl.SSLError:
            said = Again(code="tls")
        except TimeoutError:
            said = Again(code="timeout")
        except (OSError, EOFError, asyncio.LimitOverrunError):
            said = Again(code="connection")
        if isinstance(said, Again):
            await self._close()
        return said

    async def _exchange(self, message: bytes) -> bytes:
        reader, writer = self._streams or await self._connect()
        writer.write(START + message + END)
        await writer.drain()
        return (await reader.readuntil(END)).rpartition(START)[2].removesuffix(END)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        peer = self._peer
        name = (peer.server_name or peer.host) if peer.tls else None
        self._streams = await asyncio.open_connection(
            peer.host, peer.port, ssl=peer.tls, server_hostname=name, limit=LARGEST_ANSWER
        )
        return self._streams

    async def _close(self) -> None:
        if self._streams is None:
            return
        (_, writer), self._streams = self._streams, None
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
