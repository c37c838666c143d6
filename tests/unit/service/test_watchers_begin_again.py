"""A watcher of a mailbox that ends for whatever reason begins again: receipts must not stop in silence."""

from __future__ import annotations

import asyncio
import contextlib

from structlog.testing import capture_logs

from gateway.service.from_settings.entrances import watched


class Fragile:
    """Falls twice, then stands."""

    def __init__(self) -> None:
        self.begun = 0
        self.stands = asyncio.Event()

    async def run(self) -> None:
        self.begun += 1
        if self.begun < 3:
            raise AttributeError("something nobody thought of, about PATIENT")
        self.stands.set()
        await asyncio.Event().wait()


async def test_a_watcher_that_fell_begins_again_and_the_journal_tells_no_content():
    fragile = Fragile()
    with capture_logs() as lines:
        task = asyncio.create_task(watched(fragile.run, pause=0))
        await asyncio.wait_for(fragile.stands.wait(), 60)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert fragile.begun == 3
    assert [line["event"] for line in lines] == ["watcher-ended"] * 2
    assert "PATIENT" not in str(lines)
