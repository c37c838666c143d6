"""Keys that change while the gateway runs: the master on order, each tenant's on order and every month.

The master key's file: the new key is written beside it (``master-key.next``), all tenants' keys are wrapped anew in one
commit, then the files change places. Whenever that is killed, the next start finds the key that fits and ends it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from gateway.crypto.vault import Master, create_master_key
from gateway.errors import Busy
from gateway.queue import keyring
from gateway.queue.store import Store
from gateway.rest import RestVault

GRACE = timedelta(minutes=10)
"""What was planned with a key just before it was retired must be on disk before the key goes."""


def successor(path: Path) -> Path:
    """Where the next master key waits."""
    return path.with_name(f"{path.name}.next")


def finish(path: Path, vault: RestVault) -> str:
    """Let the files change places once everything is wrapped under the next master key; gives the former one's name.

    Where the folder may not be written to (systemd's credentials), both files go on being read: one line says so.
    """
    following = successor(path)
    if not following.exists() or Master.read(following).id != vault.vault.current.id:
        return ""
    former = path.with_name(f"{path.name}.former-{Master.read(path).id.hex()}")
    try:
        if not former.exists():
            os.link(path, former)
        following.replace(path)
    except OSError as error:
        why = error.strerror
        structlog.get_logger().warning("master-key-not-in-place", put=following.name, instead_of=path.name, why=why)
        return path.name
    return former.name


class Keys:
    """One gateway's keys at rest."""

    def __init__(
        self,
        store: Store,
        vault: RestVault,
        master: Path,
        *,
        clock: Callable[[], datetime],
        turn_after: timedelta,
        destroy_after: timedelta,
    ) -> None:
        """``turn_after``: age at which a tenant's key gives way; ``destroy_after``: how long the former one stays."""
        self._store, self._vault, self._master, self._clock = store, vault, master, clock
        self._turn_after, self._destroy_after = turn_after, max(destroy_after, GRACE)
        self._turning = asyncio.Lock()

    async def rotate_master(self) -> str:
        """Change the master key; gives the name of the file with the former one, which old backups still need.

        One at a time: the second would take the first one's key for the former and forget it. Raises Busy while letters
        of version 0.1 are wrapped by the master itself.
        """
        async with self._turning:
            return await self._rotate_master()

    async def _rotate_master(self) -> str:
        with self._store.reading() as connection:
            if left := keyring.left_of_0_1(connection):
                raise Busy(f"{left} letters of version 0.1 are still moved to keys of their own: again in a minute")
        following, former = successor(self._master), self._vault.vault.current
        if not following.exists():
            create_master_key(following)
        self._vault.use_master(following)
        try:
            await self._store.write(keyring.under_another_master, (self._vault, self._clock()))
        except BaseException:
            self._vault.vault.use(former)
            raise
        self._hold()
        self._vault.vault.forget(former)
        return finish(self._master, self._vault)

    async def rotate_tenant(self, tenant: str) -> None:
        """New letters get a new key from now on; those that are kept move to it (:meth:`look`)."""
        async with self._turning:
            await self._store.write(keyring.turn, keyring.Turning(tenant=tenant, now=self._clock(), vault=self._vault))
            self._hold()

    async def look(self) -> None:
        """Turn what is old, move letters to current keys in small steps, destroy former keys whose time is over."""
        now = self._clock()
        for tenant in self._old(now):
            await self.rotate_tenant(tenant)
        horizon = now - self._destroy_after
        gone = await self._store.write(keyring.destroy, keyring.Destroying(now=now, horizon=horizon, vault=self._vault))
        if gone:
            self._store.forget_all_keys()
            self._hold()
            structlog.get_logger().info("keys-destroyed", keys=gone)
        await self.move()

    async def move(self, *, at_most: int = 10**9) -> int:
        """Take letters away from former keys and from the master, in so many steps; gives how many letters are left."""
        steps = 0
        while steps < at_most and await self._step():
            steps += 1
        if steps:
            self._store.forget_all_keys()
            structlog.get_logger().info("letters-rewrapped", steps=steps)
        with self._store.reading() as connection:
            return keyring.left(connection)

    async def _step(self) -> bool:
        if await self._store.write(keyring.rewrap_0_1, self._vault):
            return True
        return bool(await self._store.write(keyring.rewrap, self._vault))

    def _old(self, now: datetime) -> list[str]:
        with self._store.reading() as connection:
            return keyring.made_before(connection, now - self._turn_after)

    def _hold(self) -> None:
        with self._store.reading() as connection:
            self._vault.hold(keyring.held(connection))
