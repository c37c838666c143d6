"""Servers that are unpacked beside the checkout (``scripts/unpack-peers``) because they would push Postfix off."""

from __future__ import annotations

import os
from pathlib import Path

from tests.peers.running import absent, need

FOLDER = Path(__file__).resolve().parents[2] / ".peers"


def unpacked(program: str, *, root: bool = True) -> Path:
    """Where the program lies; skips (or fails, see ``running.absent``) where it is not, or where we are not root."""
    path = FOLDER / program
    if not path.exists():
        absent(f"{program} not unpacked")
    if root and os.geteuid() != 0:
        absent("only root can start this server with its own users")
    need("unshare")
    return path
