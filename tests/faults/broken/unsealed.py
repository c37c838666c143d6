"""A gateway that breaks promise F1 on purpose: what should be sealed is kept in clear. Control of F1."""

from __future__ import annotations

import cli
from gateway.rest import RestVault


def seal_chunk(_key: bytes, _letter: str, _number: int, data: bytes) -> bytes:
    """As it is."""
    return data


def open_chunk(_key: bytes, _letter: str, _number: int, sealed: bytes) -> bytes:
    """As it was."""
    return sealed


if __name__ == "__main__":
    RestVault.seal_chunk = staticmethod(seal_chunk)  # that is the point
    RestVault.open_chunk = staticmethod(open_chunk)
    cli.main()
