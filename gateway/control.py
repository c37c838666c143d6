"""The socket on which a running gateway takes orders from its own command line: one JSON line, one JSON line back.

Only the owner of the data folder can connect (0600): it is how `huitaine letters release` acts without a second
process writing the database.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from gateway.errors import HuitaineError, UnreadableDocument

Order = dict[str, Any]
Obey = Callable[[Order], Awaitable[Order]]
LIMIT = 64 * 2**20


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

    server = await asyncio.start_unix_server(serve, path, limit=LIMIT)
    path.chmod(0o600)
    return server


def order(path: Path, what: Order, *, seconds: float = 60) -> Order:
    """Give a running gateway an order; raises ConnectionError or FileNotFoundError when none runs."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(path))
        connection.sendall(json.dumps(what).encode() + b"\n")
        with connection.makefile("rb") as answers:
            answer: Order = json.loads(answers.readline())
            return answer


async def _answer(what: Order, obey: Obey) -> Order:
    try:
        return await obey(what)
    except UnreadableDocument as error:
        told = "; ".join(f"{each.place}: {each.message} ({each.code})" for each in error.findings)
        return {"error": str(error), "status": error.status, "detail": told}
    except HuitaineError as error:
        return {"error": str(error), "status": error.status, "detail": error.detail}
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"order not understood: {type(error).__name__}", "status": "5.5.4"}
