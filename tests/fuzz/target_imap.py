"""What an IMAP server answers (row 24): the guarded protocol fed without a socket, and the readers of its lines.

The first byte says which command waits; ``TAG`` stands for its tag; ``\\xff`` cuts the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from aioimaplib.aioimaplib import CONNECTED, SELECTED

from gateway.errors import MailboxUnavailable
from gateway.imap import answers
from gateway.imap.answers import BadAnswer
from gateway.imap.guard import MOST_LINES, GuardedProtocol, completed
from tests.fuzz.wire import Wire

WORDS = (
    b"* 1 FETCH (UID 5 BODY[] {", b"}\r\n", b"* SEARCH 1 2\r\n", b"* OK [UIDVALIDITY 7] x\r\n", b"TAG OK done\r\n",
    b"TAG NO x\r\n", b"+ idling\r\n", b"* BYE\r\n", b"* 1 EXISTS\r\n", b"* CAPABILITY IMAP4rev1 IDLE\r\n",
    b"FLAGS (\\Seen)", b"RFC822.SIZE 9", b"{4294967295}\r\n", b"(((", b"\xff", b"* 1 EXPUNGE\r\n",
)  # fmt: skip
_loop = asyncio.new_event_loop()
logging.getLogger("aioimaplib").setLevel(logging.CRITICAL)


def seeds() -> list[bytes]:
    body = b"Subject: x\r\n\r\nhello\r\n"
    return [
        b"f* 1 FETCH (UID 5 BODY[] {%d}\r\n%b)\r\nTAG OK done\r\n" % (len(body), body),
        b"f* 1 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE 21)\r\n\xffTAG OK done\r\n",
        b"s* SEARCH 5 6 7\r\nTAG OK done\r\n",
        b"e* 1 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\nTAG OK done\r\n",
        b"i+ idling\r\n\xff* 2 EXISTS\r\nTAG OK done\r\n",
        b"c* CAPABILITY IMAP4rev1 IDLE MOVE\r\nTAG OK done\r\n",
        b"g* OK ready\r\n",
        b"f" + b"* 1 FETCH (UID 5)\r\n" * 600,
    ]


def run(data: bytes) -> None:
    _loop.run_until_complete(_session(data[:1], data[1:]))


async def _session(command: bytes, data: bytes) -> None:
    broken: list[str] = []
    protocol = GuardedProtocol(broken.append)
    protocol.tagpre = "AAAA"
    wire = Wire()
    protocol.connection_made(wire)
    protocol.state = CONNECTED if command == b"g" else SELECTED
    waiting = _loop.create_task(_command(protocol, command))
    await asyncio.sleep(0)
    tag = bytes(wire.written).partition(b" ")[0] or b"A0"
    for piece in data.replace(b"TAG", tag).split(b"\xff"):
        if wire.aborted:
            break
        protocol.data_received(piece)
        await asyncio.sleep(0)
    if protocol._lines_held() > MOST_LINES and not wire.aborted:
        raise AssertionError("more lines are held than allowed")
    await _end(protocol, waiting)


async def _command(protocol: GuardedProtocol, command: bytes) -> None:
    asked: dict[bytes, Callable[[], object]] = {
        b"s": lambda: protocol.search("UNDELETED", charset=None, by_uid=True),
        b"e": lambda: protocol.select('"INBOX"'),
        b"i": protocol.idle,
        b"c": protocol.capability,
    }
    response = await asked.get(command, lambda: protocol.fetch("5", "(UID BODY.PEEK[])", by_uid=True))()  # type: ignore[misc]
    with contextlib.suppress(BadAnswer, MailboxUnavailable):
        lines = completed(response, "x")
        for read in (answers.uidvalidity, answers.found_uids, answers.entries, lambda given: answers.content(given, 5)):
            with contextlib.suppress(BadAnswer):
                read(lines)


async def _end(protocol: GuardedProtocol, waiting: asyncio.Task[None]) -> None:
    """Cancel what still waits; an exception of the command itself would end a session with MailboxUnavailable."""
    for _ in range(3):
        await asyncio.sleep(0)
    tasks = [waiting, *protocol.tasks]
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, MemoryError | AssertionError | BadAnswer):
            raise ended
