"""F3: what is erased is gone: from the rows, the log and the file, and from backups once their keys are destroyed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import journal
from gateway.crypto.vault import create_master_key
from gateway.errors import KeyStoreRefused
from gateway.identifiers import LetterId
from gateway.queue import entries
from gateway.rest import RestVault
from gateway.service.process.forgetting import Forgetting
from gateway.service.upkeep import keeping
from tests.faults.test_f2_keys import Here, opened
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import letter


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    create_master_key(tmp_path / "master-key")
    made = opened(tmp_path, Clock())
    yield made
    made.store.close()


async def test_f3_erased_bytes_are_in_no_file_a_minute_later(here: Here):
    kept = (await here.store.keep(letter())).id
    sealed = _chunk(here, kept)
    assert sealed in _on_disk(here)  # control: the search finds what is there
    await _refused(here, kept)
    await here.store.tidy()
    assert sealed not in _on_disk(here)
    assert (here.folder / "data" / "huitaine.db-wal").stat().st_size == 0


async def test_f3_a_reader_in_the_way_is_waited_out_and_stops_nobody(here: Here):
    kept = (await here.store.keep(letter())).id
    sealed = _chunk(here, kept)
    with here.store.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM letter").all()
        await _refused(here, kept)
        await here.store.tidy()
        await here.store.keep(letter())
        assert sealed in _on_disk(here)
    await here.store.tidy()
    assert sealed not in _on_disk(here)


async def test_f3_a_backup_opens_no_longer_once_its_month_s_key_is_destroyed(here: Here):
    kept = (await here.store.keep(letter())).id
    await _backed_up(here, "before")
    assert _wrong(here, "before", "before.keys") == []
    await _refused(here, kept)
    await here.store.tidy()
    assert _wrong(here, "before", "before.keys") == []  # control: the keys of that time still open it
    here.clock.forward(days=31)
    await here.keys.look()
    assert _wrong(here, "before", _keys(here, "now.keys")) == []  # the former key has its week
    here.clock.forward(days=8)
    await here.keys.look()
    assert "destroyed" in " ".join(_wrong(here, "before", _keys(here, "now.keys")))


async def test_f3_after_a_year_nothing_leads_to_a_person_and_the_journal_is_whole(here: Here):
    kept = (await here.store.keep(letter())).id
    await _refused(here, kept)
    await here.store.tidy()
    forgetting = Forgetting(here.store, 12, clock=here.clock)
    here.clock.forward(days=364)
    assert await forgetting.look() == 0
    here.clock.forward(days=2)
    assert await forgetting.look() == 1
    with here.store.reading() as connection:
        row = connection.exec_driver_sql("SELECT body_key, sealed, sha256, control_id, unit, state FROM letter").one()
        assert tuple(row) == (b"", b"", "", None, None, "final")
        assert list(entries.broken_links(connection)) == []
    assert here.wrong() == []
    assert await forgetting.look() == 0


def test_f3_control_without_secure_delete_a_deleted_row_stays_in_the_file(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    connection.execute("PRAGMA secure_delete=OFF")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES ('ZEBRAFISH')")
    connection.execute("DELETE FROM t")
    connection.close()
    assert b"ZEBRAFISH" in (tmp_path / "x.db").read_bytes()


async def _refused(here: Here, kept: LetterId) -> None:
    await here.store.refuse(journal.refused(here.clock(), kept, code="x", place="here"))


def _chunk(here: Here, kept: LetterId) -> bytes:
    with here.store.reading() as connection:
        found = connection.exec_driver_sql("SELECT data FROM chunk WHERE letter_id = ?", (kept,)).scalar_one()
    return bytes(found)


def _on_disk(here: Here) -> bytes:
    return b"".join(path.read_bytes() for path in (here.folder / "data").iterdir() if path.is_file())


async def _backed_up(here: Here, name: str) -> None:
    settings = here.folder / "huitaine.toml"
    settings.touch()
    data, archive = here.folder / "data", here.folder / f"{name}.tar"
    keeping.back_up(data, settings, archive, at=here.clock(), told=lambda *_: None)
    _keys(here, f"{name}.keys")


def _keys(here: Here, name: str) -> str:
    keeping.write_keys(here.folder / "data", here.folder / name)
    return name


def _wrong(here: Here, name: str, keys: str) -> list[str]:
    vault = RestVault.open(here.master)
    try:
        return keeping.found_wrong(here.folder / f"{name}.tar", here.folder / keys, vault)
    except KeyStoreRefused as error:
        return [error.detail]
