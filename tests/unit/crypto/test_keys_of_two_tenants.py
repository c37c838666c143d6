"""Two hospitals on one gateway: what is kept of one does not open with the other's key, whatever turns (F1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.crypto.vault import create_master_key
from gateway.errors import KeyStoreRefused
from gateway.identifiers import LetterId
from gateway.queue import keyring
from gateway.queue.accept import LETTER
from gateway.queue.store import Limits, Store
from gateway.rest import RestVault
from gateway.service.upkeep.rotating import Keys
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import letter

TENANTS = {"north": "hospital-north", "south": "hospital-south"}


@dataclass(kw_only=True)
class Shared:
    """One store that two hospitals hand letters to."""

    vault: RestVault
    store: Store
    keys: Keys

    def wrapped(self, letter_id: LetterId) -> bytes:
        with self.store.reading() as connection:
            return bytes(connection.execute(select(LETTER.c.body_key).where(LETTER.c.id == letter_id)).scalar_one())


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    create_master_key(tmp_path / "master-key")
    vault = RestVault.open(tmp_path / "master-key", tenants=TENANTS)
    clock = Clock()
    store = Store(tmp_path / "data", vault, limits=Limits(free_share=0), clock=clock)
    days = {"turn_after": timedelta(days=30), "destroy_after": timedelta(days=7)}
    yield Shared(vault=vault, store=store, keys=Keys(store, vault, tmp_path / "master-key", clock=clock, **days))
    store.close()


async def kept(shared: Shared, source: str) -> LetterId:
    return (await shared.store.keep(letter(source=source))).id


def without(shared: Shared, tenant: str) -> None:
    """The vault as it is when this tenant's keys are gone."""
    with shared.store.reading() as connection:
        shared.vault.hold([key for key in keyring.held(connection) if key.name != tenant])
    shared.store.forget_all_keys()


async def test_each_hospitals_letters_hang_on_its_own_key(shared: Shared):
    north, south = await kept(shared, "north"), await kept(shared, "south")
    assert shared.wrapped(north)[:9] != shared.wrapped(south)[:9]
    without(shared, "hospital-south")
    assert shared.store.load(north).id == north
    with pytest.raises(KeyStoreRefused):
        shared.store.load(south)


async def test_one_hospitals_key_turns_while_both_hand_in_and_the_others_stays(shared: Shared):
    north, south = await kept(shared, "north"), await kept(shared, "south")
    before = {each: shared.wrapped(each)[:9] for each in (north, south)}
    coming = [asyncio.create_task(kept(shared, source)) for source in ("north", "south") * 10]
    await shared.keys.rotate_tenant("hospital-north")
    await shared.keys.move()
    later = await asyncio.gather(*coming)
    await shared.keys.move()
    assert shared.wrapped(south)[:9] == before[south]
    assert shared.wrapped(north)[:9] != before[north]
    assert len({north, south, *later}) == 22
    assert [shared.store.load(each).id for each in (north, south, *later)] == [north, south, *later]
