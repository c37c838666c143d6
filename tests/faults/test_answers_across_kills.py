"""What the hospital's software is owed reaches it however often the process is killed, and twice only as the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select

from gateway.moments import utc_now
from gateway.queue.answers import ANSWER, SENT, WAITING, answer_id
from gateway.queue.entries import ENTRY
from tests.peers.authority import make_authority
from tests.peers.hospital_listener import control_id, https_listener, mllp_listener, server_tls
from tests.unit.evidence import journal_kit
from tests.unit.evidence.journal_kit import Journal

ROOT = Path(__file__).resolve().parents[2]
EACH = 6
CHANNELS = ("zam", "webhook", "file")
SHORT, WHOLE = ("told:7", "never"), ("asked:4", "told:1", "told:7", "written:3", "told:2", "asked:1", "never")
LIVES = WHOLE if os.environ.get("EXAMPLES") == "whole" else SHORT
"""Where each process dies; the last one lives."""


def owed(made: Journal) -> dict[str, list[str]]:
    """Some answers in each lane, in order, as the store writes them; gives their ids."""
    ids: dict[str, list[str]] = defaultdict(list)
    rows = []
    for number in range(EACH):
        for channel in CHANNELS:
            kind = ("delivered", "displayed")[number % 2]
            ids[channel].append(answer_id(f"D{number}", 1, kind, channel))
            at = utc_now() - timedelta(minutes=EACH - number)
            row = {"id": ids[channel][-1], "source": "dpi", "channel": channel, "letter_id": f"L{number}"}
            row |= {"delivery_id": f"D{number}", "control_id": f"DOC{number}", "kind": kind, "reporter": "dsn"}
            rows.append(row | {"status": "", "code": "", "happened_at": at, "heard_at": at, "state": WAITING})
    with made.store() as (store, _), store._disk.engine.begin() as connection:
        connection.execute(insert(ANSWER), rows)
    return ids


def ends(made: Journal) -> tuple[set[str], list[str]]:
    """The states of all answers, and the ids that the journal says were taken, one line each."""
    with made.store() as (store, _), store.reading() as connection:
        states = set(connection.execute(select(ANSWER.c.state)).scalars())
        words = connection.execute(select(ENTRY.c.words).where(ENTRY.c.kind == "answered")).scalars()
        return states, sorted(said.rpartition("id ")[2] for said in words)


async def lived(made: Journal, lives: Sequence[str], folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """What came in each way, in order, with its id: one process after the other, each dying where it must."""
    (folder / "peers").mkdir()
    (folder / "told").mkdir()
    authority = make_authority(folder / "peers")
    async with mllp_listener(None) as record, https_listener(server_tls(authority)) as portal:
        for point in lives:
            words = (made.folder, folder / "told", record.port, portal.port, authority.roots, point)
            command = (sys.executable, "-m", "tests.faults.answering", *map(str, words))
            process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
            assert await process.wait() == (0 if point == "never" else -signal.SIGKILL), point
    return {
        "zam": [(control_id(message), message) for message in record.got],
        "webhook": [(head["huitaine-id"], body) for head, body in zip(portal.heads, portal.got, strict=True)],
        "file": [(path.stem, path.read_bytes()) for path in sorted((folder / "told").glob("*"))],
    }


async def test_each_answer_comes_in_order_and_a_second_time_only_as_the_same_octets(tmp_path: Path):
    made = journal_kit.empty(tmp_path)
    ids = owed(made)
    came = await lived(made, LIVES, tmp_path)
    for channel in ("zam", "webhook"):
        assert list(dict.fromkeys(name for name, _ in came[channel])) == ids[channel], channel
        assert len(set(came[channel])) == EACH, "what came twice is the same"
    assert len(came["zam"]) + len(came["webhook"]) > 2 * EACH, "a death after telling tells again"
    assert [name for name, _ in came["file"]] == sorted(ids["file"])  # one file each, nothing half beside them
    assert {json.loads(content)["id"] for _, content in came["file"]} == set(ids["file"])
    assert ends(made) == ({SENT}, sorted(name for mine in ids.values() for name in mine))
    assert made.audit().findings == ()


async def test_control_who_writes_down_before_he_tells_loses_one(tmp_path: Path):
    made = journal_kit.empty(tmp_path)
    owed(made)
    came = await lived(made, ("marked:5",), tmp_path)
    found = {name for mine in came.values() for name, _ in mine}
    states, written = ends(made)
    assert states == {SENT, WAITING}
    assert len(set(written) - found) >= 1
