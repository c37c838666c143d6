"""A next hop that outlives the gateway: each mail is on its list before the sender hears 250.

``python -m tests.faults.hop CERT KEY LIST CUT DEFER PORT`` prints its port (0: any). A share ``CUT`` of the mails gets
no answer to the dot: the connection is cut after the mail is on the list, as an operator's server that dies at that
moment would. Never two in a row: a destination that fails several times running is left alone for minutes. A share
``DEFER`` is not taken at all: 451 to the dot.
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.peers.authority import Authority

ROOT = Path(__file__).resolve().parents[2]
_OFFERS = b"250-hop.test\r\n250-PIPELINING\r\n250-SIZE 99999999\r\n250-8BITMIME\r\n250 DSN\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One mail as it came."""

    letter: str
    message_id: str
    to: str
    cut: bool
    notice: bool = False
    """From nobody (``MAIL FROM:<>``): what the gateway tells a sender, no letter."""


@dataclass(frozen=True, slots=True)
class Hop:
    """The running hop, seen from the campaign."""

    port: int
    list: Path

    def arrivals(self) -> list[Arrival]:
        """Every mail so far, in order."""
        return [Arrival(**json.loads(line)) for line in self.list.read_text().splitlines()]


@contextlib.contextmanager
def running_hop(
    authority: Authority, arrivals: Path, *, cut: float = 0.0, defer: float = 0.0, port: int = 0
) -> Iterator[Hop]:
    """The hop as a process of its own, ended by its id."""
    arrivals.touch()
    pair = authority.server
    command = [sys.executable, "-m", "tests.faults.hop", str(pair.certificate), str(pair.key)]
    command += [str(arrivals), str(cut), str(defer), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        try:
            yield Hop(int(process.stdout.readline()), arrivals)
        finally:
            process.kill()
            process.wait()


class _Session:
    just_cut = False

    def __init__(self, out: int, cut: float, defer: float) -> None:
        self._out, self._cut, self._defer = out, cut, defer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.write(b"220 hop.test ESMTP\r\n")
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = to = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(_OFFERS)
            elif verb == b"DATA":
                writer.write(b"354 go ahead\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                if sender and random.random() < self._defer:
                    writer.write(b"451 4.3.0 Later\r\n")
                    continue
                if not self._took(content, sender, to):
                    return
                writer.write(b"250 2.0.0 Ok\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                sender = _address(line) if verb == b"MAIL" else sender
                to = _address(line) if verb == b"RCPT" else to
                writer.write(b"250 2.0.0 Ok\r\n")

    def _took(self, content: bytes, sender: str, to: str) -> bool:
        """On the list in one write; then whether the sender is to hear of it."""
        head = content.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        cut = bool(sender) and not _Session.just_cut and random.random() < self._cut
        _Session.just_cut = cut
        arrival = {
            "letter": fields.get("x-huitaine-id", ""),
            "message_id": fields.get("message-id", ""),
            "to": to,
            "cut": cut,
            "notice": not sender,
        }
        os.write(self._out, json.dumps(arrival).encode() + b"\n")
        return not cut


def _address(line: bytes) -> str:
    return line.decode().partition("<")[2].partition(">")[0]


async def main(certificate: str, key: str, arrivals: str, cut: str, defer: str, port: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    out = os.open(arrivals, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    session = _Session(out, float(cut), float(defer))
    server = await asyncio.start_server(session.serve, "127.0.0.1", int(port), ssl=context, limit=2**26)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
