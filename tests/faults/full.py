"""The campaigns of A1, A3 and A5 at full numbers, each with its control.

FAULT_ROUNDS and FAULT_LETTERS change the size of A3 (promises.md's own numbers are 100 × 500).
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults import order, sync_failure
from tests.faults.campaign import EARLY_YES, Plan, Told, campaign
from tests.faults.campaigns import Row, row

ROUNDS, LETTERS = int(os.environ.get("FAULT_ROUNDS", "10")), int(os.environ.get("FAULT_LETTERS", "500"))
ORDERED = 200


async def a3(folder: Path) -> Row:
    """Kill -9 in the middle of the letters."""
    told = await campaign(folder / "a3", Plan(rounds=ROUNDS, letters=LETTERS))
    control = await campaign(folder / "a3-control", Plan(rounds=2, letters=100, twice=0, entry=EARLY_YES))
    for what in (
        *told.balance.lost,
        *told.balance.unexplained,
        *told.balance.strangers,
        *told.balance.damaged,
        *told.died,
    ):
        print(f"A3: {what}", flush=True)
    return row("A3", control=bool(control.balance.lost), rounds=ROUNDS, **_account(told))


async def a1(folder: Path) -> Row:
    """A completed fdatasync between the last byte read and each yes."""
    told = await order.watch(folder / "a1", letters=ORDERED)
    control = await order.watch(folder / "a1-control", letters=20, entry=order.NO_SYNC)
    wrong = len(told.violations) + abs(told.answers - ORDERED)
    return row("A1", control=bool(control.violations), acknowledged=told.answers, unexplained=wrong)


async def a5(folder: Path) -> Row:
    """After one failed fsync: not one more yes, an exit, and a restart that has everything promised."""
    told = await sync_failure.fail_once(folder / "a5", letters=LETTERS)
    control = await sync_failure.fail_once(folder / "a5-control", letters=LETTERS, entry=sync_failure.FORGIVES)
    return row(
        "A5",
        control=not control.kept,
        acknowledged=told.balance.acknowledged,
        lost=len(told.balance.lost),
        duplicated=told.balance.duplicated,
        unexplained=len(told.balance.unexplained) + len(told.balance.strangers) + (not told.kept),
        yes_after_failure=told.late,
        exit_code=told.exit_code,
    )


def _account(told: Told) -> Row:
    found = told.balance
    return {
        "acknowledged": found.acknowledged,
        "lost": len(found.lost),
        "duplicated": found.duplicated,
        "unexplained": len(found.unexplained) + len(found.strangers),
        "kills": told.kills,
        "cut_by_the_hop": found.cut,
        "orphans": told.orphans,
        "cut_before_an_answer": told.resent,
        "refused": len(told.refused),
        "copies_with_another_message_id": found.renamed,
        "damaged": len(found.damaged),
        "died_at_start": len(told.died),
    }
