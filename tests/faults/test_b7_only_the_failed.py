"""B7: of several addressees only those are tried again whom the next hop did not take."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.letterbox import letterbox
from tests.peers.authority import Authority

FIVE = tuple(f"gp{number}@gp.test" for number in range(1, 6))


async def test_b7_only_the_addressee_who_was_not_taken_is_tried_again(tmp_path: Path, authority: Authority) -> None:
    async with letterbox(tmp_path, authority, {"RCPT gp3@": b"451 4.2.1 mailbox busy\r\n"}) as box:
        await box.post(*FIVE)
        await box.until(lambda: len(box.offered("gp3@gp.test")) >= 3)
        box.hop.lies["RCPT gp3@"] = b"250 2.1.5 Ok\r\n"
        await box.until(lambda: [row["state"] for row in box.rows()] == ["done"] * 5)
        await asyncio.sleep(2.5)  # two more turns of the queue: nobody is written to again
        offered = {mailbox: len(box.offered(mailbox)) for mailbox in FIVE}
    assert offered.pop("gp3@gp.test") >= 4
    assert set(offered.values()) == {1}
    assert len(box.hop.taken) == 5


async def test_b7_control_when_all_are_put_off_all_are_tried_again(tmp_path: Path, authority: Authority) -> None:
    async with letterbox(tmp_path, authority, {"RCPT": b"451 4.2.1 mailbox busy\r\n"}) as box:
        await box.post(*FIVE)
        await box.until(lambda: all(len(box.offered(mailbox)) >= 2 for mailbox in FIVE))
    assert box.hop.taken == []
