"""The vault with the two verbs that the store asks of it (see ``queue.bodies.AtRest``)."""

from __future__ import annotations

from pathlib import Path
from typing import Self, cast

from gateway.crypto.vault import Vault, open_chunk, seal_chunk


class RestVault(Vault):
    """Wraps keys as :class:`Vault` does, and seals chunks under them."""

    seal_chunk = staticmethod(seal_chunk)
    open_chunk = staticmethod(open_chunk)

    @classmethod
    def open(cls, path: Path, *former: Path) -> Self:
        """As :meth:`Vault.open`."""
        return cast("Self", super().open(path, *former))
