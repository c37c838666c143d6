"""F2: orders that come at once do not lose a key, and no key is destroyed that a letter needs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.queue import keyring
from tests.faults.test_f2_keys import Here, here, opened
from tests.unit.queue.letters import letter

__all__ = ["here"]


async def test_f2_two_rotations_of_the_master_at_once_leave_both_keys_in_order(here: Here):
    kept = (await here.store.keep(letter())).id
    await asyncio.gather(here.keys.rotate_master(), here.keys.rotate_master())
    await here.keys.rotate_tenant("")
    await here.keys.look()
    assert here.store.load(kept).id == kept
    here.store.close()
    again = opened(here.folder, here.clock)
    assert again.wrong() == []
    again.store.close()


async def test_f2_a_key_that_the_vault_did_not_let_go_of_is_not_destroyed(here: Here):
    turning = keyring.Turning(tenant="", now=here.clock(), vault=here.vault)
    await here.store.write(keyring.turn, turning)  # and nobody told the vault
    kept = (await here.store.keep(letter())).id
    await here.keys.move()
    here.clock.forward(days=8)
    horizon = here.clock() - timedelta(days=7)
    destroying = keyring.Destroying(now=here.clock(), horizon=horizon, vault=here.vault)
    assert await here.store.write(keyring.destroy, destroying) == []
    here.store.close()
    again = opened(here.folder, here.clock)
    assert again.store.load(kept).id == kept
    assert len(await again.store.write(keyring.destroy, keyring.Destroying(
        now=here.clock(), horizon=horizon, vault=again.vault))) == 1  # fmt: skip
    assert again.store.load(kept).id == kept
    again.store.close()
