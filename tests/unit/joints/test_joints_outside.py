"""What others on the machine, and readers of the journal, can see of a gateway that runs."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.control import open_control, order
from gateway.errors import PeerRefused
from gateway.letter import SealedMail, Step
from gateway.queue import queries
from gateway.queue.store import Limits, Store
from tests.unit.joints.joined import Joined, to
from tests.unit.queue.letters import letter


@pytest.fixture
def _loose_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_loose_umask")
async def test_the_database_and_its_log_are_the_owner_s_alone_in_an_open_folder(tmp_path: Path, vault, clock):
    (tmp_path / "open").mkdir(mode=0o755)
    store = Store(tmp_path / "open", vault, limits=Limits(free_share=0), clock=clock)
    await store.keep(letter())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "open").iterdir()}
    store.close()
    assert set(modes.values()) == {0o600}, modes
    assert len(modes) > 2


@pytest.mark.usefixtures("_loose_umask")
async def test_the_control_socket_is_the_owner_s_alone_and_answers_after_a_fault(tmp_path: Path):
    async def obey(what):
        raise RuntimeError("Mme TESTINI")

    server = await open_control(tmp_path / "c.sock", obey)
    assert stat.S_IMODE((tmp_path / "c.sock").stat().st_mode) == 0o600
    answer = await asyncio.to_thread(order, tmp_path / "c.sock", {"act": "x"}, seconds=5)
    server.close()
    await server.wait_closed()
    assert answer["status"] == "4.3.0"
    assert "TESTINI" not in json.dumps(answer)


async def test_e12_a_server_s_words_do_not_bring_a_patient_s_number_into_the_journal(joined: Joined):
    ins = "184017512345612"

    async def refused(mail: SealedMail, step: Step):
        raise PeerRefused(f"550 5.1.1 <{ins}@Patient.test>: no such {ins}")

    joined.road.deliver_it, joined.road.outcomes = refused, (to(f"{ins}@patient.test", rpps=None),)
    with capture_logs() as said:
        kept = await joined.journey.keep(letter())
        await joined.settled()
    assert joined.row(kept)["state"] == "failed"
    assert any("<addressee>" in str(line.get("why")) for line in said)
    assert ins not in str(said)
    assert ins not in joined.row(kept)["reason"]


async def test_f8_a_letter_that_has_no_addressee_yet_shows_in_the_metrics(joined: Joined):
    kept = await joined.store.keep(letter())
    with joined.store.reading() as connection:
        assert queries.unplanned(connection) == (1, kept.received.received_at)
    await joined.round()
    with joined.store.reading() as connection:
        assert queries.unplanned(connection) == (0, None)
