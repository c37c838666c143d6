"""A gateway that starts on a database of version 0.1 takes letters at once, and draws the old stays meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.campaign import until
from tests.faults.migrating import of_version_0_1
from tests.faults.place import Place, prepare
from tests.faults.process import GatewayProcess
from tests.faults.sender import Smtp
from tests.peers.authority import Authority
from tests.peers.running import free_ports

STAYS = 400
MOVEMENT = (
    'INSERT INTO movement (fingerprint, stay_key, source, at, "trigger", visit_key, hospital, zbe_2, evn_2, no_gp)'
    " VALUES (?1, ?1, 'gam', ?2, 'A03', ?1, 'dpi', ?2, ?2, 0)"
)
STAY = (
    "INSERT INTO stay (key, visit_key, hospital, first_at, discharged_at, conflict, cancelled)"
    " VALUES (?1, ?1, 'dpi', ?2, ?2, 0, 0)"
)
LEFT_AT = 1768400000000000


def of_before(folder: Path, authority: Authority) -> Place:
    """An installation whose database and master key are version 0.1's, with some stays."""
    database = of_version_0_1(folder / "old")
    with closing(sqlite3.connect(database)) as connection, connection:
        for number in range(STAYS):
            for statement in (MOVEMENT, STAY):
                connection.execute(statement, (f"dpi/{number}", LEFT_AT + number))
    place = prepare(folder / "gateway", authority, free_ports(1)[0])
    for beside in database.parent.iterdir():
        shutil.copy(beside, place.database.parent / beside.name)
    shutil.copy(folder / "old" / "master-key", place.settings.parent / "secrets" / "master-key")
    return place


def count(place: Place, question: str) -> int:
    with closing(sqlite3.connect(f"file:{place.database}?mode=ro", uri=True)) as connection:
        (found,) = connection.execute(question).fetchone()
        return int(found)


async def test_the_doors_are_open_while_old_stays_are_drawn(tmp_path: Path, authority: Authority):
    place = of_before(tmp_path, authority)
    gateway = GatewayProcess(place, tmp_path / "serve.log")
    try:
        await asyncio.to_thread(gateway.open)
        sender = Smtp(place)
        letter = Smtp.promised(await sender.send(Smtp.letter("upgrade", 1, b"%PDF-1.4 nothing")))
        await sender.close()
        await until(lambda: b"stays-redrawn" in gateway.said())
        said = gateway.said()
    finally:
        gateway.end()
    assert said.index(b"gateway-open") < said.index(b"stays-redrawn")
    assert count(place, "SELECT count(*) FROM undrawn") == 0
    assert count(place, "SELECT count(*) FROM timing WHERE adt") == STAYS
    assert letter is not None
    assert count(place, f"SELECT count(*) FROM letter WHERE id LIKE '%{letter}'") == 1  # noqa: S608 (our own id)
