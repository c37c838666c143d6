"""A gateway that keeps what nobody was told of. Control of A7."""

from __future__ import annotations

import cli
from gateway.identifiers import LetterId
from gateway.journey import Journey


async def withdraw(self: Journey, letter: LetterId) -> bool:
    """Leave it where it is."""
    return False


if __name__ == "__main__":
    Journey.withdraw = withdraw  # type: ignore[method-assign]  # that is the point
    cli.main()
