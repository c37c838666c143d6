"""A crowd of SMTP clients in a process of its own: idle ones that are asked now and then, and ones that drip.

``python -m tests.faults.smtp_clients idle|drip PORT COUNT CA`` (CA: a file for implicit TLS, ``-`` for clear) prints
one line when all are there. ``idle`` then answers each line of its input, a number, with the times of so many NOOPs,
and ends with its input. ``drip`` sends an octet each ``DRIP_SECONDS`` and prints how its clients ended.
"""

# ruff: noqa: S311 (chance here tries, it does not protect)

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DRIP_SECONDS = float(os.environ.get("DRIP_SECONDS", "10"))
_AT_ONCE = 50

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def many_files() -> None:
    """As many descriptors as the system lets us have; children inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@dataclass(slots=True)
class Crowd:
    """The running crowd, seen from the campaign."""

    process: asyncio.subprocess.Process

    async def noop_milliseconds(self, count: int) -> list[float]:
        """How long so many NOOPs took, one at a time, each on a connection by chance; sorted."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"%d\n" % count)
        return sorted(map(float, json.loads(await self.line())))

    async def line(self) -> str:
        """The next line it says; raises RuntimeError when it died."""
        assert self.process.stdout is not None
        said = await self.process.stdout.readline()
        if not said:
            raise RuntimeError("the crowd is gone")
        return said.decode()


@contextlib.asynccontextmanager
async def crowd(kind: str, port: int, count: int, ca: Path | None = None, **environment: str) -> AsyncIterator[Crowd]:
    """All of them connected; ended by its id."""
    command = ("-m", "tests.faults.smtp_clients", kind, str(port), str(count), str(ca or "-"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        there = Crowd(process)
        await there.line()
        yield there
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _arrive(port: int, context: ssl.SSLContext | None) -> Pair:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost" if context else None, limit=1 << 12
    )
    await _reply(reader)
    writer.write(b"EHLO crowd.test\r\n")
    await _reply(reader)
    return reader, writer


async def _reply(reader: asyncio.StreamReader) -> bytes:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if not line.startswith((b"2", b"4")):
        raise RuntimeError(f"unexpected: {line!r}")
    return line


async def _all(port: int, count: int, context: ssl.SSLContext | None) -> list[Pair]:
    pairs: list[Pair] = []
    while len(pairs) < count:
        more = min(_AT_ONCE, count - len(pairs))
        pairs += await asyncio.gather(*(_arrive(port, context) for _ in range(more)))
    return pairs


async def _idle(pairs: list[Pair]) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        times = []
        for reader, writer in random.choices(pairs, k=int(line)):
            before = time.perf_counter()
            writer.write(b"NOOP\r\n")
            await _reply(reader)
            times.append(round((time.perf_counter() - before) * 1000, 3))
        print(json.dumps(times), flush=True)


async def _drip(pairs: list[Pair]) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        async def drip() -> None:
            while True:
                writer.write(b"N")
                await asyncio.sleep(DRIP_SECONDS)

        dripping = asyncio.create_task(drip())
        try:
            return (await reader.readline()).decode().rstrip()
        except ConnectionError:
            return "reset"
        finally:
            dripping.cancel()
            writer.close()

    print(json.dumps(Counter(await asyncio.gather(*(one(*pair) for pair in pairs)))), flush=True)


async def main(kind: str, port: str, count: str, ca: str) -> None:
    """Come, say so, and do what the kind does."""
    many_files()
    context = None if ca == "-" else ssl.create_default_context(cafile=ca)
    pairs = await _all(int(port), int(count), context)
    print("there", flush=True)
    await (_idle(pairs) if kind == "idle" else _drip(pairs))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
