"""F2: a wrong or missing key refuses to start; both rotations happen while letters come and go."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.crypto.vault import create_master_key
from gateway.errors import Busy, KeyStoreRefused
from gateway.identifiers import LetterId
from gateway.queue import entries, keyring, verifying
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from gateway.service.upkeep import rotating
from gateway.service.upkeep.rotating import Keys
from tests.faults.campaign import until
from tests.faults.migrating import of_version_0_1
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import letter


@dataclass(kw_only=True)
class Here:
    """One store with its keys, opened as the gateway opens them."""

    folder: Path
    clock: Clock
    vault: RestVault
    store: Store
    keys: Keys

    @property
    def master(self) -> Path:
        return self.folder / "master-key"

    def wrong(self) -> list[str]:
        with self.store.reading() as connection:
            return list(verifying.problems(connection, self.vault))


def opened(folder: Path, clock: Clock) -> Here:
    master = folder / "master-key"
    following = rotating.successor(master)
    vault = RestVault.open(master, *((following,) if following.exists() else ()))
    store = Store(folder / "data", vault, limits=Limits(free_share=0), clock=clock)
    rotating.finish(master, vault)
    days = {"turn_after": timedelta(days=30), "destroy_after": timedelta(days=7)}
    return Here(
        folder=folder, clock=clock, vault=vault, store=store, keys=Keys(store, vault, master, clock=clock, **days)
    )


@pytest.fixture
def here(tmp_path: Path) -> Here:
    create_master_key(tmp_path / "master-key")
    made = opened(tmp_path, Clock())
    yield made
    made.store.close()


@asynccontextmanager
async def letters_coming(here: Here) -> AsyncIterator[list[LetterId]]:
    """Letters come in one after the other, and each is read again at once, until the block ends."""
    kept: list[LetterId] = []
    ending = asyncio.Event()

    async def come() -> None:
        while not ending.is_set():
            found = await here.store.keep(letter())
            await asyncio.to_thread(here.store.load, found.id)
            kept.append(found.id)

    coming = asyncio.create_task(come())
    try:
        yield kept
    finally:
        ending.set()
        await coming


async def test_f2_both_rotations_happen_while_letters_come_and_nothing_is_lost(here: Here):
    before = here.vault.pseudonym("visit", "7")
    async with letters_coming(here) as kept:
        await until(lambda: len(kept) >= 20)
        former = await here.keys.rotate_master()
        await here.keys.rotate_tenant("")
        await here.keys.look()
        count = len(kept)
        await until(lambda: len(kept) >= count + 20)
    await here.keys.look()
    (here.folder / former).unlink()
    here.store.close()
    again = opened(here.folder, here.clock)
    assert again.vault.pseudonym("visit", "7") == before
    assert [again.store.load(each).id for each in kept] == kept
    assert again.wrong() == []
    again.store.close()


async def test_f2_the_former_tenant_key_is_destroyed_in_its_time_and_no_letter_with_it(here: Here):
    kept = [(await here.store.keep(letter())).id for _ in range(keyring.AT_ONCE + 5)]
    await here.keys.rotate_tenant("")
    await here.keys.look()
    with here.store.reading() as connection:
        assert len([key for key in keyring.held(connection) if key.purpose == "tenant"]) == 2
        assert keyring.left(connection) == 0
    here.clock.forward(days=8)
    await here.keys.look()
    with here.store.reading() as connection:
        assert len([key for key in keyring.held(connection) if key.purpose == "tenant"]) == 1
        destroyed = connection.exec_driver_sql("SELECT code FROM entry WHERE kind = 'key-destroyed'").scalars().all()
    assert len(destroyed) == 1
    assert [here.store.load(each).id for each in kept] == kept
    assert here.wrong() == []


async def test_f2_a_tenant_key_turns_by_itself_when_it_is_a_month_old(here: Here):
    await here.keys.look()
    here.clock.forward(days=31)
    await here.keys.look()
    with here.store.reading() as connection:
        assert len([key for key in keyring.held(connection) if key.purpose == "tenant"]) == 2


async def test_f2_a_rotation_that_was_killed_goes_on_after_the_restart(here: Here):
    kept = [(await here.store.keep(letter())).id for _ in range(2 * keyring.AT_ONCE + 5)]
    await here.keys.rotate_tenant("")
    assert await here.keys.move(at_most=1) == keyring.AT_ONCE + 5
    here.store.close()
    again = opened(here.folder, here.clock)
    assert await again.keys.move() == 0
    assert [again.store.load(each).id for each in kept] == kept
    again.store.close()


@pytest.mark.parametrize("moment", ["after-create", "before-commit", "after-commit", "after-link"])
async def test_f2_a_masters_rotation_killed_anywhere_opens_again(here: Here, moment: str):
    kept = (await here.store.keep(letter())).id
    here.store.close()
    _killed(here.folder, moment)
    again = opened(here.folder, here.clock)
    assert again.store.load(kept).id == kept
    await again.keys.rotate_master()
    assert again.store.load(kept).id == kept
    assert again.wrong() == []
    again.store.close()


async def test_f2_letters_of_version_0_1_keep_the_master_until_they_have_keys_of_their_own(tmp_path: Path):
    of_version_0_1(tmp_path)
    here = opened(tmp_path, Clock())
    with pytest.raises(Busy) as refused:
        await here.keys.rotate_master()
    assert "again in a minute" in refused.value.detail
    await here.keys.look()
    (tmp_path / await here.keys.rotate_master()).unlink()
    here.store.close()
    again = opened(tmp_path, Clock())
    assert again.wrong() == []
    again.store.close()


def test_f2_control_a_wrong_or_missing_master_key_refuses_to_start_in_one_line(here: Here):
    here.store.close()
    key = here.master.read_bytes()
    here.master.unlink()
    with pytest.raises(KeyStoreRefused) as missing:
        opened(here.folder, here.clock)
    create_master_key(here.master)
    with pytest.raises(KeyStoreRefused) as another:
        opened(here.folder, here.clock)
    assert (missing.value.detail, "\n" in another.value.detail) == ("master-key: missing", False)
    assert "put the former file back" in another.value.detail
    here.master.write_bytes(key)
    opened(here.folder, here.clock).store.close()


async def test_one_damaged_letter_key_stops_no_start_and_its_letter_alone_cannot_be_read(here: Here):
    kept = [(await here.store.keep(letter())).id for _ in range(3)]
    here.store.close()
    with closing(sqlite3.connect(here.folder / "data" / "huitaine.db")) as database, database:
        database.execute("UPDATE letter SET body_key = zeroblob(length(body_key)) WHERE id = ?", (kept[-1],))
    again = opened(here.folder, here.clock)
    assert [again.store.load(each).id for each in kept[:-1]] == kept[:-1]
    with pytest.raises(KeyStoreRefused):
        again.store.load(kept[-1])
    again.store.close()


async def test_a_tail_cut_off_the_journal_is_noticed_even_after_new_lines(here: Here):
    for _ in range(5):
        await here.store.keep(letter())
    assert here.wrong() == []
    with closing(sqlite3.connect(here.folder / "data" / "huitaine.db")) as connection, connection:
        connection.execute("DELETE FROM entry WHERE seq > 3")
    assert here.wrong() == ["journal: 2 lines are missing at its end"]
    here.store.close()
    again = opened(here.folder, here.clock)
    await again.store.keep(letter())
    with again.store.reading() as connection:
        assert entries.missing_tail(connection, again.vault.vouch) == 2
        assert list(entries.broken_links(connection)) == []
    again.store.close()


def _killed(folder: Path, moment: str) -> None:
    """A process that dies in the middle of a master's rotation."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        return
    asyncio.set_event_loop(None)
    asyncio.run(_dying(folder, moment))
    os._exit(1)


async def _dying(folder: Path, moment: str) -> None:
    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    here = opened(folder, Clock())
    if moment == "after-create":
        here.vault.use_master = die  # type: ignore[method-assign]
    elif moment == "before-commit":
        here.vault.under_current_master = die  # type: ignore[method-assign]
    elif moment == "after-commit":
        rotating.finish = die  # type: ignore[assignment]
    else:
        Path.replace = die  # type: ignore[method-assign,assignment]
    await here.keys.rotate_master()
