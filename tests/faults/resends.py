"""Promise B2: whatever leaves twice is known to have: by Message-ID, by X-Huitaine-Id, by an event in the journal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign import Plan, drained, scene
from tests.faults.campaigns import Row, row
from tests.faults.ledger import Balance, balance
from tests.faults.process import HONEST

NO_DOUBT = ("-m", "tests.faults.broken.no_doubt")
LETTERS = int(os.environ.get("FAULT_RESENDS", "2000"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``most`` is how many copies the luckless letter had."""

    balance: Balance
    most: int

    @property
    def kept(self) -> bool:
        """Nothing lost, every copy explained, and all copies of a letter under one name."""
        return not self.balance.wrong and self.balance.renamed == 0 and self.balance.duplicated > 0


async def resend(folder: Path, *, letters: int, entry: Sequence[str] = HONEST) -> Told:
    """The next hop takes every second mail and cuts the session instead of answering the dot."""
    async with scene(folder, Plan(entry=entry, cut=1.0, largest=8_000)) as here:
        await here.hospital.hand_in(letters)
        await drained(here)
        here.gateway.stop()
        arrivals = here.hop.arrivals()
        copies = [arrival.letter for arrival in arrivals if not arrival.notice]
        found = balance(here.place.database, here.hospital.heard.yes, arrivals)
        return Told(balance=found, most=max(map(copies.count, set(copies))))


async def b2(folder: Path) -> Row:
    """Half of all hand-overs are taken and cut at the reply to the dot."""
    told = await resend(folder / "b2", letters=LETTERS)
    control = await resend(folder / "b2-control", letters=60, entry=NO_DOUBT)
    found = told.balance
    for what in found.wrong[:20]:
        print(f"B2: {what}", flush=True)
    return row(
        "B2",
        control=bool(control.balance.unexplained),
        kept=told.kept,
        acknowledged=found.acknowledged,
        lost=len(found.lost),
        duplicated=found.duplicated,
        unexplained=len(found.unexplained) + len(found.strangers),
        cut_by_the_hop=found.cut,
        copies_with_another_message_id=found.renamed,
        most_copies_of_one_letter=told.most,
    )
