"""The drop folder's settings as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """On whose behalf a file is handed in, and to whom."""

    source: str
    recipients: tuple[str, ...]
    """``auto@<our domain>``: the addressees are those that the document names."""
    report_to: str = field(repr=False, default="")
    """The mailbox that hears of failures: the envelope's sender."""
    max_size: int = 25 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSettings:
    """One folder that is watched; ``taken`` and ``refused`` are made inside."""

    path: Path
    origin: Origin
    interval: timedelta = timedelta(seconds=2)
    """Between two looks."""
    settle: timedelta = timedelta(seconds=2)
    """A file that stood still this long, seen twice, is whole."""
    longest_open: timedelta = timedelta(minutes=10)
    """A file that a program still has open for writing is taken all the same when it stood still this long."""
    witness: bool = False
    """``NAME.ok`` must stand beside ``NAME.hpr`` (HPRIM Santé §6.3); else it is enough, and not needed."""
    hprim_err: bool = False
    """A refused HPRIM Santé file is answered with an ``ERR`` in ``answers``, and its witness behind it."""
    longest_pause: timedelta = timedelta(seconds=60)
    """Between two looks while letters cannot be taken."""
    in_french: Callable[[str], str] = field(repr=False, default=lambda code: "")
    """The readers' own French sentence for a finding's code; empty when there is none."""
    at_once: int = 4
    """Files handed in at the same time."""
