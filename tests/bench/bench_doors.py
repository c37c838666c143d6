"""Letters per second that the doors accept when keeping costs nothing: `python -m tests.bench.bench_doors`.

One JSON line per figure. The generator runs on the same cores; the CPU time of this process holds both sides, so the
last column is an upper bound of what the door costs.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from gateway.identifiers import new_letter_id
from gateway.ingest.mllp import MllpDoorSettings, MllpListener, MllpSource, open_mllp_door
from tests.unit.ingest.ingest_door_kit import FakeIntake as IngestIntake
from tests.unit.ingest.ingest_door_kit import mdm
from tests.unit.smtp.smtp_door_kit import DPI, LETTER, QUICK, Client, FakeIntake, client_tls, smtp_door

LETTERS, CONNECTIONS = 1500, 8
BODY = LETTER + (b"x" * 76 + b"\r\n") * 1090  # about 85 KB, the letter of design.md


class Nothing(FakeIntake):
    """Keeps nothing."""

    async def keep(self, letter):
        kept = await super().keep(letter)
        self.kept.clear()
        return kept


class NothingRead(IngestIntake):
    """Keeps nothing."""

    async def keep_and_read(self, letter):
        kept = await super().keep_and_read(letter)
        self.kept.clear()
        self.answers.clear()
        return kept


def say(name: str, letters: int, started: tuple[float, float]) -> None:
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    row = {"name": name, "ours": round(letters / wall), "unit": "letters/s", "cpu_ms": round(1000 * cpu / letters, 3)}
    print(json.dumps(row))


async def hand_in(client: Client, letters: int) -> None:
    head = b"MAIL FROM:<secretariat@ch-exemple.test>\r\nRCPT TO:<auto@huitaine.test>\r\nDATA\r\n"
    for _ in range(letters):
        client.writer.write(head)
        for _ in range(3):
            await client.reader.readline()
        client.writer.write(BODY + b".\r\n")
        answer = await client.reader.readline()
        if not answer.startswith(b"250 "):
            raise SystemExit(answer)


async def smtp(name: str, listener: str) -> None:
    tls = {"ssl": client_tls(), "server_hostname": "localhost"} if listener == "tls" else {}
    async with smtp_door(limits=replace(QUICK, max_connections_per_address=1000), intake=Nothing(), source=DPI) as door:
        clients = [await door.connect(listener, **tls) for _ in range(CONNECTIONS)]
        for client in clients:
            await client.reply()
            await client.ask("EHLO bench.test")
            if tls:
                await client.ask("AUTH PLAIN AGRwaQBjb3JyZWN0IGhvcnNl")
        started = time.perf_counter(), time.process_time()
        await asyncio.gather(*(hand_in(client, LETTERS // CONNECTIONS) for client in clients))
        say(name, LETTERS // CONNECTIONS * CONNECTIONS, started)
        for client in clients:
            await client.close()


async def mllp(name: str) -> None:
    settings = MllpDoorSettings(
        recipient="auto@huitaine.test",
        listeners=(MllpListener(name="clear", host="127.0.0.1", source="dpi"),),
        sources=(MllpSource(name="dpi"),),
    )
    door = await open_mllp_door(settings, NothingRead(), lambda: datetime.now(UTC), new_letter_id)
    block = b"\x0b" + mdm() + b"OBX|1|ED|x||^text^XML^Base64^" + b"x" * 82_000 + b"||||||F\r\x1c\r"

    async def one(letters: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.ports["clear"])
        for _ in range(letters):
            writer.write(block)
            answer = await reader.readuntil(b"\x1c\r")
            if b"MSA|AA|" not in answer:
                raise SystemExit(answer)
        writer.close()

    started = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(LETTERS // CONNECTIONS) for _ in range(CONNECTIONS)))
    say(name, LETTERS // CONNECTIONS * CONNECTIONS, started)
    await door.close()


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    await smtp("accept_smtp_clear_85_kb", "clear")
    await smtp("accept_smtp_tls_85_kb", "tls")
    await mllp("accept_mllp_85_kb")


if __name__ == "__main__":
    asyncio.run(main())
