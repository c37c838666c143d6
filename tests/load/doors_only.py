"""`huitaine` whose letters stop behind the doors: kept, and nothing more. Acceptance alone is measured with it."""

from __future__ import annotations

from collections.abc import Coroutine

import cli
from gateway.letter import KeptLetter
from gateway.queue.keeper import Keeper


def later(self: Keeper, kept: KeptLetter, work: Coroutine[None, None, None]) -> None:
    """The door has its answer; the road is closed today."""
    work.close()
    self.leave(kept)


async def resume(_self: Keeper, _travel: object) -> int:
    """Nobody takes up what waits."""
    return 0


if __name__ == "__main__":
    Keeper.later = later  # type: ignore[method-assign]
    Keeper.resume = resume  # type: ignore[method-assign]
    cli.main()
