"""What `make faults` runs: a line per promise, and what each hands back.

A campaign is ``async def name(folder: Path) -> Row``: it works in ``folder`` (its own, made for it), runs its negative
control, and gives a row with at least :data:`COLUMNS`. Figures of speed go into ``figure``, ``target`` and ``unit``
with ``kept`` as the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from importlib import import_module
from pathlib import Path
from typing import cast

COLUMNS = ("promise", "acknowledged", "lost", "duplicated", "unexplained", "rounds", "control_failed_as_it_must")

Row = dict[str, object]
Campaign = Callable[[Path], Coroutine[None, None, Row]]

CAMPAIGNS = {
    "A1": "tests.faults.full:a1",
    "A2": "tests.faults.power:a2",
    "A5": "tests.faults.full:a5",
    "A3": "tests.faults.full:a3",
    "A6": "tests.faults.narrow:a6",
    "B2": "tests.faults.resends:b2",
    "D2": "tests.load.campaigns:d2",
    "D5": "tests.load.campaigns:d5",
    "D7": "tests.load.campaigns:d7",
    "B8": "tests.load.drain:b8",
    "B9": "tests.faults.mailroom:b9",
    "B10": "tests.faults.mailroom:b10",
    "MLLP": "tests.faults.crowd:mllp",
    "D3": "tests.faults.crowds:d3",
    "D8": "tests.faults.crowds:d8",
    "A7": "tests.faults.cutting:a7",
    "A8": "tests.faults.cutting:a8",
    "E5": "tests.faults.guessing:e5",
    "D9": "tests.faults.replaying:d9",
    "D9-large": "tests.faults.large_letters:d9_large",
    "B6": "tests.faults.slow_sinks:b6",
    "B1": "tests.faults.queue_machine:b1",
    "D6": "tests.faults.deep:d6",
    "F7": "tests.faults.deep:f7",
    "E7": "tests.faults.floors:e7",
    "A9": "tests.faults.as_received:a9",
    "F6": "tests.faults.stopping:f6",
    "F8": "tests.faults.alarm_faults:f8",
    "F1": "tests.faults.at_rest:f1",
    "F5": "tests.faults.at_rest:f5",
    "F9": "tests.faults.at_rest:f9",
    "ESC": "tests.faults.steps:esc",
}
"""Promise → ``module:function``; each is imported when it runs, in this order."""


def campaign(promise: str) -> Campaign:
    """The campaign of a promise; raises KeyError for one that has none."""
    module, _, function = CAMPAIGNS[promise].partition(":")
    return cast("Campaign", getattr(import_module(module), function))


def row(promise: str, *, control: bool, **more: object) -> Row:
    """A row; what is not told is none. ``control``: whether the broken gateway was caught."""
    nothing: Row = {"acknowledged": 0, "lost": 0, "duplicated": 0, "unexplained": 0, "rounds": 1}
    return {"promise": promise, **nothing, "control_failed_as_it_must": control, **more}


def bad(found: Row) -> bool:
    """Whether a promise was broken, or its control did not break."""
    broken = any(found.get(name) for name in ("lost", "unexplained", "orphans", "damaged", "died_at_start"))
    return broken or found.get("kept") is False or not found["control_failed_as_it_must"]
