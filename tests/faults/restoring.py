"""Promise F5: a backup made while letters come in, restored elsewhere, sends nothing before a person says so."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.hop import Hop, running_hop
from tests.faults.ledger import left_to_do, looking
from tests.faults.nursery import warm
from tests.faults.place import Place, prepare
from tests.faults.process import GatewayProcess
from tests.faults.sender import Hospital
from tests.peers.authority import make_authority
from tests.peers.running import free_ports

WATCH = 3.0
"""Seconds for which the restored gateway is watched: it looks for what is due every second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a backup and its restore did."""

    promised: int
    in_backup: int
    listed: int
    verified: str
    before_release: int
    after_release: int
    status: dict[str, object]
    lost: list[str]


async def back_up_and_restore(folder: Path, letters: int, *, release_at_once: bool = False) -> Told:
    """``letters`` come in while nothing can leave and a backup is made; the machine is lost; the backup is restored.

    ``release_at_once``: the control, a restore that does not wait for a person.
    """
    (folder / "tls").mkdir(parents=True)
    authority = make_authority(folder / "tls")
    (nobody,) = free_ports(1)
    place = prepare(folder / "first", authority, nobody)
    gateway = GatewayProcess(place, folder / "first.log")
    hospital = Hospital(place, smtp=4, mllp=1)
    archive, keys = folder / "backup" / "night.tar", folder / "backup" / "night.keys"
    try:
        await asyncio.to_thread(gateway.open)
        await hospital.hand_in(letters // 2)
        sending = asyncio.create_task(hospital.hand_in(letters - letters // 2))
        await huitaine(place, "backup", str(archive), "--keys", str(keys))
        await sending
        gateway.kill()
    finally:
        gateway.end()
    with running_hop(authority, folder / "arrivals") as hop:
        here = _elsewhere(place, folder / "second", nobody, hop.port)
        restored = GatewayProcess(here, folder / "second.log")
        given = ("--keys", str(keys))
        listed = json.loads(await huitaine(here, "restore", str(archive), *given, "--format", "json"))
        verified = await huitaine(here, "verify")
        await huitaine(here, "verify", str(archive), *given)
        kept = _letters(here)
        try:
            await asyncio.to_thread(restored.open)
            if release_at_once:
                await huitaine(here, "queue", "release")
            await _watch(hop, until_one=release_at_once)
            before = len(hop.arrivals())
            status = json.loads(await huitaine(here, "queue", "status", "--format", "json"))
            await huitaine(here, "queue", "release")
            await _drained(here)
            await asyncio.to_thread(restored.stop)
        finally:
            restored.end()
        arrived = {arrival.letter for arrival in hop.arrivals()}
        return Told(
            promised=len(hospital.heard.yes),
            in_backup=len(kept),
            listed=len(listed),
            verified=verified.strip(),
            before_release=before,
            after_release=len(hop.arrivals()) - before,
            status=status,
            lost=sorted(kept - arrived),
        )


async def _watch(hop: Hop, *, until_one: bool) -> None:
    """For WATCH seconds, or ``until_one`` mail has arrived."""
    loop = asyncio.get_running_loop()
    until = loop.time() + (60 if until_one else WATCH)
    while loop.time() < until and not (until_one and hop.arrivals()):  # noqa: ASYNC110 (another process)
        await asyncio.sleep(0.1)


async def huitaine(place: Place, *arguments: str, code: int = 0) -> str:
    """A command of ours; its standard output, and its errors when they are expected."""
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        words = ("--config", str(place.settings), "--lang", "en", *arguments)
        process = warm().born(words, os.environ, Path(err.name), out=out.name)
        ended = await asyncio.to_thread(process.wait, 120)
        said, failed = out.read().decode(), err.read().decode()
    assert ended == code, failed
    return said + (failed if code else "")


def _elsewhere(place: Place, folder: Path, nobody: int, hop: int) -> Place:
    """Another machine: settings, secrets, certificates and key store as its administrator brings them, no queue."""
    shutil.copytree(place.settings.parent, folder, ignore=shutil.ignore_patterns("*.db*", "*.lock", "*.sock"))
    settings = folder / place.settings.name
    settings.write_text(settings.read_text().replace(f"= {nobody}\n", f"= {hop}\n"))
    return replace(place, settings=settings)


def _letters(place: Place) -> set[str]:
    with looking(place.database) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM letter")}


async def _drained(place: Place) -> None:
    for _ in range(900):
        if not await asyncio.to_thread(left_to_do, place.database):
            return
        await asyncio.sleep(0.1)
