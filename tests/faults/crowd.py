"""Many HL7 senders at once on one gateway: every one answered AA, how late the last hundredth, how much memory.

MLLP_CONNECTIONS changes the size of the full form (1,000).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo import letters
from tests.faults.campaigns import Row
from tests.faults.ledger import looking
from tests.faults.place import RETRY, Place, prepare
from tests.faults.process import GatewayProcess
from tests.faults.sender import Mllp
from tests.peers.authority import make_authority

CONNECTIONS = int(os.environ.get("MLLP_CONNECTIONS", "1000"))
LARGE, AT_ONCE = 10 << 20, 24
PATIENCE = 300.0
_START, _END = b"\x0b", b"\x1c\r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a crowd heard and what it cost."""

    taken: int
    again: int
    """Told AR at least once before."""
    unanswered: int
    kept: int
    p99: float
    """Seconds from the last byte of a message to its AA."""
    idle_memory: int
    peak_memory: int
    """Octets of the gateway's own process (VmRSS before, VmHWM after)."""


@contextlib.asynccontextmanager
async def gateway(folder: Path, *, connections: int = 1000) -> AsyncIterator[tuple[Place, GatewayProcess]]:
    """A gateway as its own process, whose letters find no next hop and stay."""
    (folder / "tls").mkdir(parents=True)
    place = prepare(folder / "gateway", make_authority(folder / "tls"), hop_port=9)
    text = place.settings.read_text(encoding="utf-8").replace(f"[{RETRY}]", "[600]")
    text = text.replace("[mllp]\n", f"[mllp]\nmax_connections = {connections}\n")
    place.settings.write_text(text, encoding="utf-8")
    process = GatewayProcess(place, folder / "serve.log")
    try:
        await asyncio.to_thread(process.open)
        yield place, process
    finally:
        process.end()


async def crowd(folder: Path, messages: Sequence[bytes], *, places: int = 1000) -> Told:
    """One connection for each message; all are open before the first byte is sent."""
    async with gateway(folder, connections=places) as (place, process):
        await _one(place, Mllp.letter("warm", 0, letters.pdf("Lettre", "Essai")), asyncio.Event())
        before = _memory(process, "VmRSS")
        go, there = asyncio.Event(), asyncio.Semaphore(0)
        tasks = [asyncio.create_task(_one(place, message, go, there=there)) for message in messages]
        for _ in messages:
            await there.acquire()
        go.set()
        heard = await asyncio.gather(*tasks)
        seconds = sorted(took for took, _ in heard if took is not None)
        return Told(
            taken=len(seconds),
            again=sum(again > 0 for _, again in heard),
            unanswered=len(heard) - len(seconds),
            kept=_kept(place) - 1,
            p99=seconds[int(len(seconds) * 0.99)] if seconds else PATIENCE,
            idle_memory=before,
            peak_memory=_memory(process, "VmHWM"),
        )


async def _one(
    place: Place, message: bytes, go: asyncio.Event, *, there: asyncio.Semaphore | None = None
) -> tuple[float | None, int]:
    """Seconds until AA, and how often AR came before; ``None`` when there was no answer.

    Where somebody counts who is ``there``, nothing is said before ``go``.
    """
    again = 0
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", place.mllp)
            with contextlib.closing(writer):
                if there:
                    there.release()
                    await go.wait()
                while True:
                    writer.write(_START + message + _END)
                    await writer.drain()
                    began = time.monotonic()
                    answer = (await reader.readuntil(_END)).decode()
                    if "\rMSA|AA|" in answer:
                        return time.monotonic() - began, again
                    again += 1
                    await asyncio.sleep(0.5)
    except (OSError, asyncio.IncompleteReadError):
        if there:
            there.release()  # it never got in
        return None, again


def _memory(process: GatewayProcess, what: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.partition(f"{what}:")[2].split()[0])


def _kept(place: Place) -> int:
    with looking(place.database) as connection:
        return int(connection.execute("SELECT count(*) FROM letter WHERE door = 'mllp' AND reason = ''").fetchone()[0])


def small(count: int) -> list[bytes]:
    """Different letters of a few KB."""
    document = letters.pdf("Lettre", "Essai")
    return [Mllp.letter("crowd", number, document) for number in range(count)]


def large(count: int) -> list[bytes]:
    """Different letters of about ten megabytes: base64 twice, in the CDA and in its message."""
    page = letters.pdf("Lettre", "Essai")
    document = page + b"\n%" + b"x" * (LARGE * 9 // 16 - len(page))
    return [Mllp.letter("large", number, document) for number in range(count)]


async def mllp(folder: Path) -> Row:
    """A thousand at once, each AA; then two dozen of ten megabytes, in memory that does not grow with them."""
    found = await crowd(folder / "many", small(CONNECTIONS))
    huge = await crowd(folder / "large", large(AT_ONCE))
    control = await crowd(folder / "control", small(60), places=20)
    grown = huge.peak_memory - huge.idle_memory
    return {
        "promise": "MLLP",
        "acknowledged": found.taken + huge.taken,
        "lost": CONNECTIONS - found.kept + AT_ONCE - huge.kept,
        "duplicated": 0,
        "unexplained": found.unanswered + huge.unanswered,
        "rounds": 1,
        "control_failed_as_it_must": control.unanswered > 0,
        "figure": round(found.p99, 2),
        "target": 30,
        "unit": "s, p99 of an ACK with all of them at once",
        "memory_per_connection_kb": (found.peak_memory - found.idle_memory) // CONNECTIONS >> 10,
        "memory_of_ten_megabyte_frames_mb": grown >> 20,
        "told_again": huge.again,
        "kept": found.p99 <= 30 and grown <= 768 << 20,
    }
