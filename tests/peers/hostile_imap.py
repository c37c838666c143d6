"""An IMAP server over TLS that answers what a script says: honest by default, then one lie at a time."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import ChainMap
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from tests.peers.authority import Authority

CLOSE = b"!close"
SILENCE = b"!silence"
DONE = b"TAG OK done\r\n"

BODY = b"Subject: x\r\n\r\nhello\r\n"

HONEST: Mapping[str, bytes] = {
    "greeting": b"* OK ready\r\n",
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS\r\n" + DONE,
    "LOGIN": DONE,
    "SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n" + DONE,
    "SEARCH": b"* SEARCH 5\r\n" + DONE,
    "LIST": b"* 1 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE %d)\r\n" % len(BODY) + DONE,
    "BODY": b"* 1 FETCH (UID 5 BODY[] {%d}\r\n%b)\r\n" % (len(BODY), BODY) + DONE,
    "HEADER": b"* 1 FETCH (UID 5 BODY[HEADER]<0> {14}\r\nSubject: x\r\n\r\n)\r\n" + DONE,
    "MOVE": DONE,
    "CREATE": DONE,
    "NOOP": DONE,
    "IDLE": b"+ idling\r\n",
    "DONE": DONE,
    "LOGOUT": b"* BYE\r\n" + DONE,
}


@dataclass(slots=True, kw_only=True)
class ScriptedServer:
    """Where it listens and what it heard (verbs)."""

    port: int
    context: ssl.SSLContext
    heard: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    connections: int = 0
    lies: dict[str, bytes] = field(default_factory=dict)
    """Answers by verb that go before the script's, and may change while it runs."""


@contextlib.asynccontextmanager
async def scripted_server(
    authority: Authority, script: Mapping[str, bytes] | None = None
) -> AsyncIterator[ScriptedServer]:
    """Listens on loopback until the context ends; ``script`` replaces honest answers by verb."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    server = ScriptedServer(port=0, context=ssl.create_default_context(cafile=str(authority.roots)))
    answers = ChainMap(server.lies, {**HONEST, **(script or {})})
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.add(writer)
        server.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await _session(server, answers, reader, writer)
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _verb(line: bytes) -> str:
    words = line.decode("ascii", "replace").upper().split()
    if words[1:2] == ["UID"]:
        words = words[1:]
    if words == ["DONE"]:
        return "DONE"
    verb = words[1] if len(words) > 1 else ""
    kind = "HEADER" if b"[HEADER]" in line else "BODY" if b"BODY" in line else "LIST"
    return {"FETCH": kind}.get(verb, verb)


async def _session(
    server: ScriptedServer, answers: Mapping[str, bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    tag = b"?"

    async def say(verb: str) -> None:
        answer = answers.get(verb, b"TAG BAD what\r\n")
        if answer == SILENCE:
            await asyncio.Event().wait()
        if answer == CLOSE:
            raise ConnectionResetError
        writer.write(answer.replace(b"TAG", tag))
        await writer.drain()

    await say("greeting")
    while line := await reader.readline():
        verb = _verb(line)
        server.heard.append(verb)
        server.lines.append(line)
        tag = tag if verb == "DONE" else line.split(b" ", 1)[0]
        await say(verb)
