"""A next hop that answers what a script says: honest by default, then one lie at a time."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import ChainMap
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

EHLO = b"250-mx.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 1000000\r\n250 DSN\r\n"

HONEST: Mapping[str, bytes] = {
    "greeting": b"220 mx.test ESMTP\r\n",
    "EHLO": EHLO,
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 go on\r\n",
    "dot": b"250 2.0.0 Ok: queued\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
}
STARTTLS: Mapping[str, bytes] = {
    "EHLO": EHLO.replace(b"250 DSN", b"250-STARTTLS\r\n250 DSN"),
    "STAR": b"220 2.0.0 go ahead\r\n",
}
"""What an honest hop with TLS says besides."""

AFTER = b"!after "
"""In a script, before an answer: so many seconds later, as ``!after 2.5 250 Ok``."""
PIECEMEAL = b"!piecemeal "
"""In a script, before an answer: byte by byte."""
TARPIT = b"!tarpit"
"""In a script, to DATA: 354, and then not one byte is read."""
THEN_CLOSE = b"!close after "
"""In a script, before an answer: the connection ends behind it."""
CLOSE = b"!close"
"""In a script: end the connection instead of answering."""
SILENCE = b"!silence"
"""In a script: never answer."""
CUT_IN_CONTENT = "cut in content"
"""In a script, as a key: the connection ends after as many bytes of content as its answer is long."""


@dataclass(slots=True, kw_only=True)
class ScriptedHop:
    """Where it listens, what it heard (command lines), what it took (contents as they came, before unstuffing)."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    """When each line of ``heard`` was, on the loop's clock."""
    connections: int = 0
    lies: dict[str, bytes] = field(default_factory=dict)
    """Answers by verb that go before the script's, and may change while it runs."""


@contextlib.asynccontextmanager
async def scripted_hop(
    script: Mapping[str, bytes] | None = None,
    context: ssl.SSLContext | None = None,
    *,
    upgrade: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[ScriptedHop]:
    """Listens on loopback until the context ends; ``script`` replaces honest answers by verb.

    ``context`` is for TLS from the first byte; with ``upgrade`` STARTTLS is offered and done.
    """
    hop = ScriptedHop(port=0)
    answers = ChainMap(hop.lies, {**HONEST, **(STARTTLS if upgrade else {}), **(script or {})})
    writers: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.add(writer)
        hop.connections += 1
        ends = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError)
        with contextlib.suppress(*ends):
            await _session(hop, answers, reader, writer, upgrade)
        writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=context, limit=64 * 1024 * 1024)
    hop.port = server.sockets[0].getsockname()[1]
    try:
        yield hop
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _write(writer: asyncio.StreamWriter, answer: bytes) -> None:
    if not answer.startswith(PIECEMEAL):
        writer.write(answer)
        await writer.drain()
        return
    for byte in answer.removeprefix(PIECEMEAL):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)


async def _say(answers: Mapping[str, bytes], what: str, writer: asyncio.StreamWriter) -> bytes:
    answer = answers.get(what, b"502 5.5.1 What?\r\n")
    if answer == SILENCE:
        await asyncio.Event().wait()
    if answer == CLOSE:
        raise ConnectionResetError
    if answer == TARPIT:
        writer.write(b"354 go on\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()
    if answer.startswith(AFTER):
        _, seconds, answer = answer.split(b" ", 2)
        await asyncio.sleep(float(seconds))
    await _write(writer, answer.removeprefix(THEN_CLOSE))
    if answer.startswith(THEN_CLOSE):
        raise ConnectionResetError
    return answer.removeprefix(PIECEMEAL)


async def _session(
    hop: ScriptedHop,
    answers: Mapping[str, bytes],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upgrade: ssl.SSLContext | None,
) -> None:
    await _say(answers, "greeting", writer)
    while line := await reader.readline():
        verb = line[:4].decode("ascii", "replace").upper()
        hop.heard.append(line)
        hop.moments.append(asyncio.get_running_loop().time())
        named = (key for key in answers if key.startswith(f"{verb} ") and key[5:].encode() in line)
        answer = await _say(answers, next(named, verb), writer)
        if verb == "QUIT":
            return
        if verb == "STAR" and upgrade:
            await writer.start_tls(upgrade)
        if verb == "DATA" and answer.startswith(b"354"):
            await _take(hop, answers, reader)
            await _say(answers, "dot", writer)


async def _take(hop: ScriptedHop, answers: Mapping[str, bytes], reader: asyncio.StreamReader) -> None:
    if CUT_IN_CONTENT in answers:
        await reader.readexactly(len(answers[CUT_IN_CONTENT]))
        raise ConnectionResetError
    content = await reader.readuntil(b"\r\n.\r\n")
    hop.taken.append(content[:-3])
