"""`make faults`: the campaigns at full numbers, each with its control, into faults/results.json and a table.

FAULT_ROUNDS and FAULT_LETTERS change the size of A3 (10 × 500; promises.md's own numbers are 100 × 500).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import order, sync_failure
from tests.faults.campaign import EARLY_YES, Plan, Told, campaign

ROOT = Path(__file__).resolve().parents[2]
ROUNDS, LETTERS = int(os.environ.get("FAULT_ROUNDS", "10")), int(os.environ.get("FAULT_LETTERS", "500"))
ORDERED = 200
COLUMNS = ("promise", "acknowledged", "lost", "duplicated", "unexplained", "rounds", "control_failed_as_it_must")

Row = dict[str, object]


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
    return {**_account(told), "rounds": ROUNDS, "control_failed_as_it_must": bool(control.balance.lost)}


async def a1(folder: Path) -> Row:
    """A completed fdatasync between the last byte read and each yes."""
    told = await order.watch(folder / "a1", letters=ORDERED)
    control = await order.watch(folder / "a1-control", letters=20, entry=order.NO_SYNC)
    return {
        "promise": "A1",
        "acknowledged": told.answers,
        "lost": 0,
        "duplicated": 0,
        "unexplained": len(told.violations) + abs(told.answers - ORDERED),
        "rounds": 1,
        "control_failed_as_it_must": bool(control.violations),
    }


async def a5(folder: Path) -> Row:
    """After one failed fsync: not one more yes, an exit, and a restart that has everything promised."""
    told = await sync_failure.fail_once(folder / "a5", letters=LETTERS)
    control = await sync_failure.fail_once(folder / "a5-control", letters=LETTERS, entry=sync_failure.FORGIVES)
    return {
        "promise": "A5",
        "acknowledged": told.balance.acknowledged,
        "lost": len(told.balance.lost),
        "duplicated": told.balance.duplicated,
        "unexplained": len(told.balance.unexplained) + len(told.balance.strangers) + (not told.kept),
        "rounds": 1,
        "yes_after_failure": told.late,
        "exit_code": told.exit_code,
        "control_failed_as_it_must": not control.kept,
    }


def _account(told: Told) -> Row:
    found = told.balance
    return {
        "promise": "A3",
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


def show(rows: list[Row]) -> None:
    """The table for a person."""
    table = Table(title="faults", show_edge=False)
    for name in COLUMNS:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(str(row[name]) for name in COLUMNS))
    Console().print(table)
    for row in rows:
        more = ", ".join(f"{name} {value}" for name, value in row.items() if name not in COLUMNS)
        print(f"{row['promise']}: {more}" if more else f"{row['promise']}: nothing more to tell")


def bad(row: Row) -> bool:
    """Whether a promise was broken, or its control did not break."""
    broken = any(row.get(name) for name in ("lost", "unexplained", "orphans", "damaged", "died_at_start"))
    return broken or not row["control_failed_as_it_must"]


def main(names: list[str]) -> int:
    """Run the named campaigns (all of them by default); 1 when a promise was broken."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # so that what we started ends too
    campaigns: dict[str, Callable[[Path], object]] = {"A1": a1, "A5": a5, "A3": a3}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="huitaine-faults-", dir="/var/tmp") as folder:
        for name in names or campaigns:
            print(f"{name} …", flush=True)
            rows.append(asyncio.run(campaigns[name](Path(folder))))  # type: ignore[arg-type]
            (ROOT / "faults").mkdir(exist_ok=True)
            (ROOT / "faults" / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)
    return 1 if any(map(bad, rows)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
