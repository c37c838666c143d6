"""A process that tells the hospital what it is owed, and dies like by a power switch where it is told to.

``python -m tests.faults.answering FOLDER ANSWERS ZAM_PORT WEBHOOK_PORT ROOTS POINT``; ``POINT`` is ``asked:N``,
``told:N`` or ``written:N`` (before the N-th answer is told, after it, after it was written down), ``never``, or
``marked:N``: the control, which writes down before it tells, and dies between the two. Ends with 0 when nothing waits.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
from pathlib import Path

from gateway.moments import utc_now
from gateway.queue import answers
from gateway.queue.queries import Row
from gateway.queue.store import Limits, Store
from gateway.receipts.mllp_client import MllpPeer
from gateway.receipts.saying import Declined, Said, Taken
from gateway.receipts.webhook import WebhookPeer
from gateway.receipts.zam import Ends
from gateway.rest import RestVault
from gateway.service.senders.answering_back import AnsweringBack, Tell
from gateway.service.senders.answering_ways import FilePeer, Ways

KEY = b"a secret of some length"


class Mortal(AnsweringBack):
    """Counts what it does, and dies at one point."""

    dies: tuple[str, int] = ("never", 0)
    _done: int = 0

    def _at(self, point: str) -> None:
        if self.dies[0] == point:
            self._done += 1
            if self._done == self.dies[1]:
                os.kill(os.getpid(), signal.SIGKILL)

    async def _said(self, row: Row, tell: Tell) -> Said:
        self._at("asked")
        if self.dies[0] == "marked":
            await super()._write(row, Taken(code="early"))
            self._at("marked")
        said = await super()._said(row, tell)
        self._at("told")
        return said

    async def _write(self, row: Row, said: Taken | Declined) -> None:
        await super()._write(row, said)
        self._at("written")


async def main(folder: Path, ways: Ways, point: str) -> None:
    name, _, number = point.partition(":")
    store = Store(folder / "data", RestVault.open(folder / "master-key"), limits=Limits(free_share=0), clock=utc_now)
    telling = Mortal(store, {"dpi": ways}, clock=utc_now)
    telling.dies = (name, int(number or 0))
    while True:
        await telling.tell()
        with store.reading() as connection:
            if not answers.waiting_lanes(connection):
                break
        await asyncio.sleep(0.01)
    await telling.end()
    store.close()


if __name__ == "__main__":
    place, told_to, zam, webhook, roots, where = sys.argv[1:]
    here = Ways(
        ends=Ends(our_application="HUITAINE", our_facility="H", application="DPI", facility="CH", processing="T"),
        zam=MllpPeer(host="127.0.0.1", port=int(zam)),
        webhook=WebhookPeer(url=f"https://localhost:{webhook}/", key=KEY, tls=ssl.create_default_context(cafile=roots)),
        file=FilePeer(folder=Path(told_to), form="json"),
    )
    asyncio.run(main(Path(place), here, where))
