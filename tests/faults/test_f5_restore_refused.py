"""F5: a restore touches no installation that works, and takes nothing else out of an archive than what we put there."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from gateway.crypto.vault import create_master_key
from gateway.errors import DatabaseRefused, StorageUnavailable
from gateway.queue.opening import NAME
from gateway.queue.planning import make_plan
from gateway.queue.sqlite import Lock
from gateway.rest import RestVault
from gateway.service.upkeep import keeping
from tests.faults.test_f2_keys import Here, opened
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import WAITING, addressed, letter


@pytest.fixture
async def here(tmp_path: Path) -> Here:
    """A backup in ``night.tar`` and its keys in ``night.keys``."""
    create_master_key(tmp_path / "master-key")
    (tmp_path / "huitaine.toml").write_text("")
    made = opened(tmp_path, Clock())
    await made.store.keep(letter())
    back_up(made)
    keeping.write_keys(tmp_path / "data", tmp_path / "night.keys")
    made.store.close()
    return made


def test_f5_a_log_left_by_another_database_is_not_played_into_the_restored_one(here: Here):
    data = here.folder / "elsewhere"
    data.mkdir()
    (data / f"{NAME}-wal").write_bytes(b"of a database that was moved away")
    with pytest.raises(DatabaseRefused):
        restore(here, data)
    assert not (data / NAME).exists()


def test_f5_a_gateway_that_was_started_meanwhile_keeps_its_queue(here: Here):
    data = here.folder / "elsewhere"
    data.mkdir()
    lock = Lock(data)
    with pytest.raises(StorageUnavailable):
        restore(here, data)
    lock.release()
    assert not (data / NAME).exists()


def test_f5_an_archive_is_read_where_python_has_no_filters_for_it(here: Here, monkeypatch: pytest.MonkeyPatch):
    def extractall(self: tarfile.TarFile, path: str = ".", members: object = None) -> None:
        """As Debian 12's Python 3.11.2 has it: no word of a filter."""
        raise NotImplementedError

    monkeypatch.setattr(tarfile.TarFile, "extractall", extractall)
    assert keeping.found_wrong(here.folder / "night.tar", None, vault(here)) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE])
def test_f5_what_an_archive_holds_besides_is_not_taken_out_of_it(here: Here, kind: bytes):
    outside = here.folder / "outside"
    with tarfile.open(here.folder / "night.tar", "a") as tar:
        member = tarfile.TarInfo("../outside" if kind == tarfile.REGTYPE else "whitelist.db")
        member.type, member.linkname = kind, str(here.folder / "master-key")
        tar.addfile(member, io.BytesIO())
    with pytest.raises(DatabaseRefused):
        keeping.found_wrong(here.folder / "night.tar", None, vault(here))
    assert not outside.exists()


async def test_f5_what_was_held_or_had_no_addressee_yet_is_listed_too(here: Here):
    """A GP may have it: what was held can find its addressee by itself, what was not planned gets new Message-IDs."""
    again = opened(here.folder, here.clock)
    held = await again.store.keep(letter())
    plan = make_plan(again.store, [addressed(held, mailbox=None)], now=here.clock(), dispatch=WAITING)
    assert await again.store.plan(plan.planning)
    again.store.close()
    (here.folder / "night.tar").unlink()
    back_up(here)
    told = restore(here, here.folder / "elsewhere").may_have_left
    assert [(row["letter_id"] == held.id, bool(row["id"])) for row in told] == [(True, True), (False, False)]


def test_f5_control_an_empty_folder_is_restored_into(here: Here):
    restore(here, here.folder / "elsewhere")
    assert (here.folder / "elsewhere" / NAME).exists()


def vault(here: Here) -> RestVault:
    return RestVault.open(here.master)


def back_up(here: Here) -> None:
    data, archive = here.folder / "data", here.folder / "night.tar"
    keeping.back_up(data, here.folder / "huitaine.toml", archive, at=here.clock(), told=lambda *_: None)


def restore(here: Here, data: Path) -> keeping.Restored:
    return keeping.put_back(data, here.folder / "night.tar", here.folder / "night.keys", vault(here), at=here.clock())
