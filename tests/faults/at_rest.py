"""The campaigns of F1, F5 and F9 at full numbers, each with its control; FAULT_BACKUP_LETTERS is the size of F5."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults import migrating, readable, restoring
from tests.faults.campaigns import Row, row

BACKED_UP = int(os.environ.get("FAULT_BACKUP_LETTERS", "1000"))
CANARIES = 100


async def f1(folder: Path) -> Row:
    """Canaries in every place of a hundred letters, looked for in every file of a running gateway."""
    told = await readable.look_everywhere(folder / "f1", CANARIES)
    control = await readable.look_everywhere(folder / "f1-control", 2, entry=readable.UNSEALED)
    for hit in told.hits:
        print(f"F1: {hit}", flush=True)
    kept = not told.hits and not told.core and told.states >= readable.STATES
    more = {"searched_bytes": told.searched, "ambiguous": told.ambiguous, "erased": told.erased}
    return row("F1", control=bool(control.hits), kept=kept, acknowledged=CANARIES + 4, **more)


async def f5(folder: Path) -> Row:
    """A backup while letters come in, restored elsewhere: nothing leaves before a person says so, then all of it."""
    told = await restoring.back_up_and_restore(folder / "f5", BACKED_UP)
    control = await restoring.back_up_and_restore(folder / "f5-control", 20, release_at_once=True)
    whole = told.verified == "everything is whole" and told.listed > 0
    return row(
        "F5",
        control=control.before_release > 0,
        kept=whole and told.before_release == 0,
        acknowledged=told.promised,
        lost=len(told.lost),
        in_backup=told.in_backup,
        sent_before_release=told.before_release,
        sent_after=told.after_release,
    )


async def f9(folder: Path) -> Row:
    """Every revision killed before and after each of its statements."""
    told = await migrating.found(folder / "f9", 0)
    control = await migrating.found(folder / "f9-control", 6, torn=True)
    for wrong in (*told.between, *told.unreadable):
        print(f"F9: {wrong}", flush=True)
    return row(
        "F9",
        control=bool(control.between),
        kept=not told.between,
        rounds=told.kills,
        lost=len(told.unreadable),
        revisions=told.revisions,
        old_shape=told.old,
        new_shape=told.new,
    )
