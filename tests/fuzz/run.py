"""``make fuzz SECONDS=n``: every target for n seconds in a child of its own, a line each, and fuzz/results.json (E8).

FUZZ_TARGETS (names, separated by blanks) chooses some, FUZZ_JOBS how many at once. What was found stays in ``fuzz/``:
the corpus, which the next run goes on from, and a file per crash. Exit 1 on a crash, on more than a second, on more
than 200 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.fuzz.child import MEMORY
from tests.fuzz.target import NAMES

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "fuzz"
SLOW = 1.0
_MARGIN = 120
"""Seconds beyond its time after which a child is ended: loading, minimising, a hang that libFuzzer did not see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one target's run showed; ``slowest`` in CPU seconds, ``peak`` in MB beyond what the program itself needs."""

    target: str
    inputs: int
    crashes: dict[str, str]
    slowest: float
    peak: float

    @property
    def good(self) -> bool:
        """Whether promise E8 held, and anything was tried at all."""
        return not self.crashes and self.slowest <= SLOW and self.peak <= MEMORY and self.inputs > 0


def fuzz(name: str, seconds: int, out: Path = OUT) -> Found:
    """Run one target; a child that dies is itself a crash."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("crash-*"), *folder.glob("hard-*"), folder / "seen.json", folder / "slowest"):
        old.unlink(missing_ok=True)
    ended = _child(seconds + _MARGIN, folder / "log", name, str(seconds), str(folder))
    told = folder / "seen.json"
    seen = json.loads(told.read_text()) if told.exists() else {"inputs": 0, "slowest": 0, "peak": 0, "crashes": {}}
    hard = {file.name: "the process was ended: hang, memory or a signal" for file in folder.glob("hard-*")}
    if ended != 0 and not hard:
        hard = {"died": f"the process ended with {ended}, see {folder / 'log'}"}
    slowest = plain_seconds(name, folder / "slowest") if seen["slowest"] > SLOW / 2 else seen["slowest"]
    crashes = {**seen["crashes"], **hard}
    return Found(target=name, inputs=seen["inputs"], crashes=crashes, slowest=slowest, peak=seen["peak"])


def plain_seconds(name: str, file: Path) -> float:
    """The same input again, without instrumentation: what the gateway would need."""
    command = [sys.executable, "-m", "tests.fuzz.child", "--plain", name, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_MARGIN, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else float("inf")


def _child(limit: float, log: Path, *arguments: str) -> int:
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.child", *arguments], cwd=ROOT, stdout=words, stderr=words
        )
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            process.kill()
            process.wait()


def show(rows: list[Found]) -> None:
    """A line per target, and one per crash."""
    table = Table(title="fuzz", show_edge=False)
    for column in ("target", "inputs", "crashes", "slowest", "peak memory"):
        table.add_column(column, justify="left" if column == "target" else "right")
    for row in rows:
        crashes = str(len(row.crashes))
        table.add_row(row.target, f"{row.inputs:,}", crashes, f"{row.slowest * 1000:.0f} ms", f"{row.peak:.0f} MB")
    Console().print(table)
    for row in rows:
        for name, kind in row.crashes.items():
            print(f"{row.target}: {kind} (fuzz/{row.target}/{name if name.startswith('hard') else f'crash-{name}'})")


def main(seconds: int, names: list[str]) -> int:
    """Fuzz the named targets, all by default; 1 when the promise was broken."""
    OUT.mkdir(exist_ok=True)
    with ThreadPoolExecutor(int(os.environ.get("FUZZ_JOBS", "1"))) as pool:
        rows = list(pool.map(lambda name: fuzz(name, seconds), names or NAMES))
    (OUT / "results.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    show(rows)
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(int(os.environ.get("FUZZ_SECONDS", "60")), os.environ.get("FUZZ_TARGETS", "").split()))
