"""A gateway that breaks promise A1 on purpose: it says yes first and writes much later. Control of A3."""

from __future__ import annotations

import asyncio

import cli
from gateway.letter import KeptLetter, ReceivedLetter
from gateway.queue.store import Store

_honest = Store.keep
_late: set[asyncio.Task[KeptLetter]] = set()


async def keep(self: Store, letter: ReceivedLetter) -> KeptLetter:
    """Yes at once; the disk hears of it two seconds later, however late whoever kills us comes."""

    async def afterwards() -> KeptLetter:
        await asyncio.sleep(2)
        return await _honest(self, letter)

    task = asyncio.get_running_loop().create_task(afterwards())
    _late.add(task)
    task.add_done_callback(_late.discard)
    return KeptLetter(received=letter)


if __name__ == "__main__":
    Store.keep = keep  # type: ignore[method-assign]  # that is the point
    cli.main()
