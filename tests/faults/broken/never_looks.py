"""A gateway that breaks promise A6 on purpose: it takes letters until the disk refuses them. Control of A6."""

from __future__ import annotations

import cli
from gateway.queue.store import Store


def room_for(_self: Store, _size: int) -> None:
    """There is always room."""


if __name__ == "__main__":
    Store._room_for = room_for  # type: ignore[method-assign]
    cli.main()
