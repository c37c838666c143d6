"""The hospital's software as it listens: an MLLP server and an HTTPS server, both over TLS, both doing as told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from tests.peers.authority import Authority


@dataclass(slots=True, kw_only=True)
class Listener:
    """What came, in order; ``mood`` is how the next one is answered."""

    port: int = 0
    mood: str = ""
    got: list[bytes] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0


def server_tls(authority: Authority, pair: str = "server", *, demand: bool = False) -> ssl.SSLContext:
    """A server's context with one of the authority's certificates; with ``demand`` it wants the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found = getattr(authority, pair)
    context.load_cert_chain(found.certificate, found.key)
    if demand:
        context.load_verify_locations(authority.roots)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextlib.asynccontextmanager
async def mllp_listener(tls: ssl.SSLContext | None, *, port: int = 0) -> AsyncIterator[Listener]:
    """``mood``: AA (when empty), AE, AR, ``late`` (the answer to the one before), ``cut`` (none), ``silent``."""
    listener = Listener()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            message = (await reader.readuntil(b"\x1c\r")).strip(b"\x0b\x1c\r")
            listener.got.append(message)
            if listener.mood == "cut":
                return
            if listener.mood == "silent":
                await asyncio.sleep(3600)
            control = "EARLIER" if listener.mood == "late" else control_id(message)
            code = listener.mood if listener.mood in {"AE", "AR"} else "AA"
            writer.write(
                f"\x0bMSH|^~\\&|DPI|CH|H|H|20260115||ACK^Z02^ACK|1|P|2.6\rMSA|{code}|{control}\r\x1c\r".encode()
            )
            await writer.drain()

    async with _listening(listener, serve, tls, port):
        yield listener


@contextlib.asynccontextmanager
async def https_listener(tls: ssl.SSLContext, *, port: int = 0) -> AsyncIterator[Listener]:
    """``mood`` is the status line's number and what follows; 204 when empty."""
    listener = Listener()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        head["request"] = lines[0]
        body = await reader.readexactly(int(head.get("content-length", "0")))
        listener.heads.append(head)
        listener.got.append(body)
        status, _, more = (listener.mood or "204").partition("|")
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n{more}Connection: close\r\n\r\n".encode())
        await writer.drain()

    async with _listening(listener, serve, tls, port):
        yield listener


def control_id(message: bytes) -> str:
    """MSH-10."""
    return message.split(b"\r")[0].split(b"|")[9].decode()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _listening(listener: Listener, serve: Serve, tls: ssl.SSLContext | None, port: int) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", port, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
