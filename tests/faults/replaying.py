"""Every bad input at once against a gateway whose event loop is probed (promise D9)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from tests.dialogues import alive, bad_hl7, bad_mail, bad_smtp, bad_smtp_sessions
from tests.dialogues.case import Case
from tests.faults.campaigns import Row, row
from tests.faults.process import GatewayProcess
from tests.fuzz import target
from tests.peers.authority import Authority, make_authority
from tests.peers.hostile_smtp import EHLO, scripted_hop
from tests.peers.running import free_ports

TARGET = 100.0
"""Milliseconds (promise D9)."""
BLOCK = 0.3
AT_ONCE = 4
PATIENCE = 5.0
"""Seconds for one input: whether it is answered is the table's business."""
ENTRY = ("-m", "tests.faults.probed")
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """The longest time for which the loop did not turn, where it was, and how many inputs it was shown."""

    milliseconds: float
    place: tuple[str, ...]
    inputs: int
    doors: frozenset[str]
    """Those that answered at least one of them to its end."""


def shown(*, everything: bool) -> list[Case]:
    """One variant a row and our vectors; or all variants, what fuzzing found and the shared samples as well."""
    cases = [*bad_smtp.CASES, *bad_smtp_sessions.CASES, *bad_hl7.CASES, *bad_mail.CASES]
    cases = [case for case in cases if case.row != 9]  # only slow
    files = [*(ROOT / "tests/vectors").rglob("*.*"), *target.CORPUS.rglob("*")]
    if everything:
        files += [*(ROOT / "fuzz").glob("*/corpus/*"), *(ROOT.parent / "shared/samples").rglob("*.*")]
    else:
        heavy = {
            "26 MB after the dot",
            "27 MB",
            "20,000 parts",
            "65,000 entries",
            "a name of 10 MB",
            "200 MB in 200 KB",
        }
        rows = {case.row: case for case in cases}
        cases = [*rows.values(), *(case for case in cases if case.variant in heavy)]
    contents = [file.read_bytes() for file in files if file.is_file()][: None if everything else 20]
    return [*cases, *(case for content in contents for case in _both_ways(content))]


def _both_ways(content: bytes) -> Iterable[Case]:
    """Any file, as an HL7 message and as a mail's attachment."""
    if content.strip(b"\r\n\t \0\x1c") and not {*b"\x0b\x1c"} & {*content}:  # else it is no block, and not answered
        yield bad_hl7.block(content, "a file")
    yield bad_mail.enclosing(0, "a file", content, name=b"a.bin", kind=b"application/octet-stream")


async def replay(folder: Path, cases: Sequence[Case], *, block: float = 0.0) -> Lag:
    """Show it all, a few at a time, and hear what the probe says."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "lag.json"
    environment = {"HUITAINE_LAG": str(told), "HUITAINE_BLOCK": str(block or "")}
    async with _gateway(folder, environment) as ports:
        waiting = iter(cases)
        doors = await asyncio.gather(*(_show_all(folder, ports, waiting) for _ in range(AT_ONCE)))
        await asyncio.sleep(0.5)
        seen = json.loads(told.read_text())
    return Lag(
        milliseconds=seen["milliseconds"],
        place=tuple(seen["place"]),
        inputs=len(cases),
        doors=frozenset[str]().union(*doors),
    )


@contextlib.asynccontextmanager
async def _gateway(folder: Path, environment: dict[str, str]) -> AsyncIterator[dict[str, int]]:
    authority: Authority = make_authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server.certificate, authority.server.key)
    names = ("starttls", "implicit", "mllp")
    async with scripted_hop({"EHLO": EHLO.replace(b"1000000", b"99999999")}, context) as hop:
        ports = dict(zip(names, free_ports(3), strict=True))
        settings, _ = await asyncio.to_thread(alive.prepare, folder / "gateway", authority, hop.port, ports=ports)
        place = SimpleNamespace(settings=settings)
        process = GatewayProcess(place, folder / "log", entry=ENTRY, environment=environment)  # type: ignore[arg-type]
        try:
            await asyncio.to_thread(process.open)
            yield ports
        finally:
            process.end()


async def _show_all(folder: Path, ports: dict[str, int], cases: Iterable[Case]) -> set[str]:
    answered = set[str]()
    for case in cases:
        logs_in = case.logs_in and case.door != "mllp"
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError):
            async with (
                asyncio.timeout(PATIENCE),
                alive.connected(folder / "gateway", ports, case.door, logs_in=logs_in) as client,
            ):
                for said in case.says:
                    await client.send(said)
                    await (client.block() if case.door == "mllp" else client.reply())
                answered.add(case.door)
    return answered


async def d9(folder: Path) -> Row:
    """The whole corpus; then a door that sleeps on the loop."""
    lag = await replay(folder / "d9", shown(everything=True))
    control = await replay(folder / "d9-control", shown(everything=False)[:8], block=BLOCK)
    return row(
        "D9",
        control=control.milliseconds > TARGET,
        acknowledged=lag.inputs,
        figure=round(lag.milliseconds, 1),
        target=TARGET,
        unit="ms of loop lag at most",
        kept=lag.milliseconds <= TARGET and lag.doors >= {"implicit", "mllp"},
        place=" < ".join(reversed(lag.place)),
    )
