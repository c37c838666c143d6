"""`make faults`: the campaigns at full numbers, each with its control, into faults/results.json and a table.

``python -m tests.faults.run A3 B2`` runs those only. Which there are: tests/faults/campaigns.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.campaigns import CAMPAIGNS, COLUMNS, Row, bad, campaign, row
from tests.faults.process import descendants

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "faults" / "results.json"
_SET_CHILD_SUBREAPER = 36  # prctl(2): whatever loses its parent becomes ours, so that we can end it


def show(rows: list[Row]) -> None:
    """The table for a person."""
    table = Table(title="faults", show_edge=False)
    for name in (*COLUMNS, ""):
        table.add_column(name.replace("_", " "))
    for found in rows:
        table.add_row(*(str(found[name]) for name in COLUMNS), "BROKEN" if bad(found) else "held")
    Console(width=140).print(table)
    for found in rows:
        more = ", ".join(f"{name} {value}" for name, value in found.items() if name not in COLUMNS)
        print(f"{found['promise']}: {more}" if more else f"{found['promise']}: nothing more to tell")


def one(name: str, folder: Path) -> Row:
    """Run one campaign; one that breaks off is told as a broken promise, and the others still run."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    folder.mkdir()
    try:
        found = asyncio.run(campaign(name)(folder))
    except Exception as error:  # noqa: BLE001 (told in the row)
        traceback.print_exc()
        found = row(name, control=False, kept=False, broke_off=f"{type(error).__name__}: {error}"[:300])
    shutil.rmtree(folder, ignore_errors=True)
    found["seconds"] = round(time.monotonic() - began, 1)
    print(f"{name}: {'BROKEN' if bad(found) else 'held'} in {found['seconds']} s", flush=True)
    return found


@contextlib.contextmanager
def nothing_survives() -> Iterator[None]:
    """Whatever we started, and whatever that started, is ended with us by its id."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for pid in descendants(os.getpid()):
            print(f"still there, ended: {pid}", flush=True)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def main(names: list[str]) -> int:
    """Run the named campaigns (all of them by default); 1 when a promise was broken."""
    if unknown := [name for name in names if name not in CAMPAIGNS]:
        print(f"no campaign {', '.join(unknown)}; there are: {', '.join(CAMPAIGNS)}")
        return 2
    rows: list[Row] = []
    RESULTS.parent.mkdir(exist_ok=True)
    with nothing_survives(), tempfile.TemporaryDirectory(prefix="huitaine-faults-", dir="/var/tmp") as folder:
        for name in names or CAMPAIGNS:
            rows.append(one(name, Path(folder) / name.lower()))
            RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    show(rows)
    return 1 if any(map(bad, rows)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
