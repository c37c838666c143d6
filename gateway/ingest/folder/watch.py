"""Which files of a drop folder are whole: a witness stands beside them, or nothing about them moved for a while."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

EXTENSIONS = frozenset({".hpr", ".hpm", ".hpm1", ".hpm2", ".hpm3", ".hprim", ".hl7", ".er7", ".xml", ".zip", ".eml"})
"""In any case; HPRIM Médecin has five of them in use."""

_EMPTY_WAITS = 30
"""So many times longer must an empty file stand still: most are made first and written later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A regular file as one look saw it."""

    name: str
    size: int
    modified_ns: int
    inode: int
    witness: str = ""
    vouched: bool = False
    """Whether the witness is no older than the file: one that a crash left behind says nothing about the next file."""

    @classmethod
    def of(cls, name: str, status: os.stat_result, witness: str = "", witnessed_ns: int = 0) -> Sighting:
        """From what ``stat`` says; ``witnessed_ns`` is when the witness was written."""
        return cls(
            name=name,
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            inode=status.st_ino,
            witness=witness,
            vouched=bool(witness) and witnessed_ns >= status.st_mtime_ns,
        )

    def unmoved(self, status: os.stat_result) -> bool:
        """Whether the file is still the one that was seen, written to by nobody since."""
        return (self.size, self.modified_ns, self.inode) == (status.st_size, status.st_mtime_ns, status.st_ino)


def look_into(folder: Path) -> list[Sighting]:
    """The files that may be letters, oldest first; links, folders, hidden and other files are not seen."""
    with os.scandir(folder) as entries:
        found = {entry.name: entry for entry in entries if not entry.name.startswith(".")}
    witnesses = {name.lower(): name for name in found if name.lower().endswith(".ok")}
    return sorted(_sightings(found, witnesses), key=lambda sighting: (sighting.modified_ns, sighting.name))


def _sightings(found: dict[str, os.DirEntry[str]], witnesses: dict[str, str]) -> Iterator[Sighting]:
    for name, entry in found.items():
        stem, extension = os.path.splitext(name)  # noqa: PTH122  a name of somebody's, never a path of ours
        if extension.lower() not in EXTENSIONS:
            continue
        witness = witnesses.get(f"{stem}.ok".lower()) or witnesses.get(f"{name}.ok".lower(), "")
        try:
            status = entry.stat(follow_symlinks=False)
            witnessed = found[witness].stat(follow_symlinks=False).st_mtime_ns if witness else 0
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield Sighting.of(name, status, witness, witnessed)


class Watch:
    """Remembers since when each file stands still."""

    def __init__(self, *, settle: float, witness_needed: bool) -> None:
        self._settle = settle
        self._witness_needed = witness_needed
        self._still: dict[str, tuple[Sighting, float]] = {}

    def whole(self, sightings: Iterable[Sighting], now: float) -> list[Sighting]:
        """Those that can be handed in at ``now``, a monotonic time; forgets the files that went."""
        before, self._still = self._still, {}
        ready = []
        for sighting in sightings:
            earlier, since = before.get(sighting.name, (None, now))
            same = earlier is not None and _same(earlier, sighting)
            self._still[sighting.name] = (sighting, since if same else now)
            named = bool(sighting.witness) or not self._witness_needed
            if sighting.vouched or (same and named and self._stood(sighting, now - since)):
                ready.append(sighting)
        return ready

    def _stood(self, sighting: Sighting, seconds: float) -> bool:
        return seconds >= (self._settle if sighting.size else self._settle * _EMPTY_WAITS)


def _same(one: Sighting, other: Sighting) -> bool:
    return (one.size, one.modified_ns, one.inode) == (other.size, other.modified_ns, other.inode)


class Notes(Generic[T]):
    """Something known of files for as long as they stand there unchanged."""

    def __init__(self) -> None:
        self._notes: dict[str, tuple[Sighting, T]] = {}

    def get(self, sighting: Sighting) -> T | None:
        """What was noted of this very file."""
        seen, note = self._notes.get(sighting.name, (None, None))
        return note if seen is not None and _same(seen, sighting) else None

    def put(self, sighting: Sighting, note: T) -> T:
        """Note it."""
        self._notes[sighting.name] = (sighting, note)
        return note

    def keep(self, sightings: Iterable[Sighting]) -> None:
        """Forget all others."""
        known = {sighting.name: sighting for sighting in sightings}
        self._notes = {name: noted for name, noted in self._notes.items() if name in known}
