"""The campaigns of A1, A3 and A5 at full numbers, each with its control.

FAULT_ROUNDS × FAULT_LETTERS is the size of A3's random kills, FAULT_TIMES how often each named point is died at.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.faults import crashing, order, sync_failure
from tests.faults.campaign import EARLY_YES, Plan, campaign
from tests.faults.campaigns import Row, row
from tests.faults.points import POINTS

ROUNDS, LETTERS = int(os.environ.get("FAULT_ROUNDS", "100")), int(os.environ.get("FAULT_LETTERS", "320"))
TIMES = int(os.environ.get("FAULT_TIMES", "20"))
ORDERED, LIED = 200, 500


async def a3(folder: Path) -> Row:
    """Kill -9 in the middle of the letters, at random instants and at every named one, side by side."""
    plan = Plan(rounds=ROUNDS, letters=LETTERS, folder=1, largest=8_000)
    told, named = await asyncio.gather(
        campaign(folder / "random", plan), crashing.die_everywhere(folder / "named", crashing.orders(TIMES))
    )
    control = await campaign(folder / "control", Plan(rounds=2, letters=100, twice=0, entry=EARLY_YES))
    one, other = told.balance, named.balance
    for what in (*one.wrong, *other.wrong, *told.died, *named.died, *named.missed):
        print(f"A3: {what}", flush=True)
    return row(
        "A3",
        control=bool(control.balance.lost),
        kept=told.kept and named.kept,
        acknowledged=one.acknowledged + other.acknowledged,
        lost=len(one.lost) + len(other.lost),
        duplicated=one.duplicated + other.duplicated,
        unexplained=len(one.unexplained) + len(other.unexplained) + len(one.strangers) + len(other.strangers),
        rounds=ROUNDS,
        kills=told.kills,
        points=len(POINTS),
        deaths_at_points=sum(named.reached.values()),
        points_never_reached=len(set(POINTS) - set(named.reached)),
        orders_not_obeyed=len(named.missed),
        cut_by_the_hop=one.cut + other.cut,
        orphans=told.orphans + named.orphans,
        cut_before_an_answer=told.resent,
        refused=len(told.refused) + len(named.refused),
        copies_with_another_message_id=one.renamed + other.renamed,
        damaged=len(one.damaged) + len(other.damaged),
        died_at_start=len(told.died) + len(named.died),
        set_aside_then_released=told.set_aside + named.set_aside,
    )


async def a1(folder: Path) -> Row:
    """A completed fdatasync between the last byte read and each yes, at the SMTP and MLLP doors."""
    told = await order.watch(folder / "a1", letters=ORDERED, mllp=2)
    control = await order.watch(folder / "a1-control", letters=20, entry=order.NO_SYNC)
    wrong = len(told.violations) + abs(told.answers - ORDERED)
    return row("A1", control=bool(control.violations), acknowledged=told.answers, unexplained=wrong)


async def a5(folder: Path) -> Row:
    """After one failed fsync: not one more yes, an exit, and a restart that has everything promised."""
    told = await sync_failure.fail_once(folder / "a5", letters=LIED)
    control = await sync_failure.fail_once(folder / "a5-control", letters=LIED, entry=sync_failure.FORGIVES)
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
