"""F1: nothing of a letter can be read in any file of the gateway's; a body put in another's place is noticed."""

from __future__ import annotations

import base64
import quopri
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.crypto.vault import create_master_key
from gateway.errors import KeyStoreRefused
from tests.faults.readable import STATES, UNSEALED, forms, look_everywhere
from tests.faults.test_f2_keys import Here, opened
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import letter


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    create_master_key(tmp_path / "master-key")
    made = opened(tmp_path, Clock())
    yield made
    made.store.close()


@pytest.mark.timeout(300)
async def test_f1_no_canary_is_found_in_any_file_log_backup_or_core(tmp_path: Path):
    told = await look_everywhere(tmp_path, 10)
    assert told.hits == []
    assert told.core == []
    assert told.states >= STATES
    assert told.erased
    assert told.searched > 100_000


@pytest.mark.timeout(300)
async def test_f1_control_a_gateway_that_does_not_seal_is_caught(tmp_path: Path):
    told = await look_everywhere(tmp_path, 2, entry=UNSEALED)
    assert {"SUJET", "CORPS", "BOITE"} <= {hit.split()[0].removeprefix("ZEBRAPOISSON") for hit in told.hits}


async def test_f1_a_body_in_another_letters_place_is_noticed(here: Here):
    one, two = [(await here.store.keep(letter())).id for _ in range(2)]
    with closing(sqlite3.connect(here.folder / "data" / "huitaine.db")) as connection, connection:
        connection.execute("UPDATE chunk SET letter_id = 'x' WHERE letter_id = ?", [one])
        connection.execute("UPDATE chunk SET letter_id = ? WHERE letter_id = ?", [one, two])
        connection.execute("UPDATE chunk SET letter_id = ? WHERE letter_id = 'x'", [two])
    for each in (one, two):
        with pytest.raises(KeyStoreRefused):
            here.store.load(each)
    assert [line.split(":")[0] for line in here.wrong()] == [f"letter {one}", f"letter {two}"]


@pytest.mark.parametrize("place", range(5))
def test_the_search_finds_a_canary_in_each_form(place: int):
    text = "x" * place + "ZEBRA É"
    for content in (
        text.encode(),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        base64.b64encode(text.encode()),
        quopri.encodestring(text.encode()),
    ):
        assert any(form in content for form in forms("ZEBRA É"))
