"""The socket on which a running gateway takes orders from its own command line: one JSON line, one JSON line back.

Only the owner of the data folder can connect (0600): it is how `huitaine letters release` acts without a second
process writing the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from gateway.document import Severity
from gateway.errors import HuitaineError, PeerTimedOut, UnreadableDocument

Order = dict[str, Any]
Obey = Callable[[Order], Awaitable[Order]]
LIMIT = 64 * 2**20
_LONGEST = 100
_UNANSWERED = "the gateway took the order and did not answer; see `huitaine letters trace`"


async def open_control(path: Path, obey: Obey) -> asyncio.Server:
    """Listen at ``path``; whatever ``obey`` raises becomes ``{"error": …, "status": …}``."""
    path.unlink(missing_ok=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            answer = await _answer(json.loads(line), obey) if line else {}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ValueError, ConnectionError) as error:
            structlog.get_logger().warning("control-broken", error=type(error).__name__)
        finally:
            writer.close()

    return await asyncio.start_unix_server(serve, sock=_bound(path), limit=LIMIT)


def order(path: Path, what: Order, *, seconds: float = 60) -> Order:
    """Give a running gateway an order.

    Raises ConnectionRefusedError or FileNotFoundError when none runs, and PeerTimedOut when one took the order and did
    not answer: whether it was obeyed is then in the journal.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        with _short(path) as name:
            connection.connect(name)
        try:
            connection.sendall(json.dumps(what).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer: Order = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise PeerTimedOut(_UNANSWERED, words=_UNANSWERED) from error
        return answer


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path as a socket's address may name it: at most 107 bytes (unix(7)), so a deep folder goes by its number."""
    if len(os.fsencode(path)) < _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _bound(path: Path) -> socket.socket:
    """The socket, the owner's alone from its first moment: a mode set after the bind would come too late."""
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        with _short(path) as name:
            listening.bind(name)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


async def _answer(what: Order, obey: Obey) -> Order:
    try:
        return await obey(what)
    except UnreadableDocument as error:
        wrong = [each for each in error.findings if each.severity is Severity.ERROR]
        findings = [{"place": each.place, "code": each.code, "message": each.message} for each in wrong]
        return {"error": str(error), "status": error.status, "findings": findings}
    except HuitaineError as error:
        return {"error": str(error), "status": error.status, "detail": error.detail}
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"order not understood: {type(error).__name__}", "status": "5.5.4"}
    except Exception as error:  # noqa: BLE001 (atop a task: whoever ordered must hear something)
        structlog.get_logger().error("control-fault", error=type(error).__name__)
        return {"error": "internal fault, see the journal", "status": "4.3.0"}
