"""The ring of keys with the two verbs that the store asks of it besides (see ``queue.bodies.AtRest``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from gateway.crypto.ring import KeyRing
from gateway.crypto.vault import Master, Vault, open_chunk, seal_chunk


class RestVault(KeyRing):
    """Wraps keys as :class:`KeyRing` does, and seals chunks under them."""

    seal_chunk = staticmethod(seal_chunk)
    open_chunk = staticmethod(open_chunk)

    @classmethod
    def open(cls, path: Path, *others: Path, tenants: Mapping[str, str] | None = None) -> Self:
        """As :meth:`Vault.open`; ``tenants`` says whose letters each source hands in."""
        return cls(Vault.open(path, *others), tenants)

    def use_master(self, path: Path) -> None:
        """Wrap under the master key of this file from now on; raises KeyStoreRefused."""
        self.vault.use(Master.read(path))
