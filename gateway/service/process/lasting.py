"""What lives as long as the process is looked at by no garbage collection: a full one stops the loop for 65 ms (D9)."""

from __future__ import annotations

import gc


def keep_for_good() -> None:
    """Modules, settings and stations are never garbage: call it once all are built, before the first letter."""
    gc.collect()
    gc.freeze()
