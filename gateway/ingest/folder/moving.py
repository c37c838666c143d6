"""Files out of the drop folder: to ``taken`` or ``refused``, over nothing, and back when it was not the one we read."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.ingest.folder.watch import Sighting

TAKEN, REFUSED, ANSWERS = "taken", "refused", "answers"
REASON = ".reason.txt"
_LONGEST_NAME = 240


def move_to_taken(folder: Path, sighting: Sighting, letter: str) -> bool:
    """To ``taken/<letter id>_<name>``; false when the file changed since it was read: it is a new one."""
    return _move(folder, sighting, _free(folder / TAKEN, f"{letter}_{sighting.name}"))


def move_to_refused(folder: Path, sighting: Sighting, reason: str) -> bool:
    """To ``refused/<name>``, ``<name>.reason.txt`` beside it and written first; false as above."""
    target = _free(folder / REFUSED, sighting.name, REASON)
    beside = target.with_name(target.name + REASON)
    moved = False
    try:
        beside.write_bytes(reason.encode("utf-8-sig"))
        moved = _move(folder, sighting, target)
    finally:  # it is tried again: what is left of each try would fill a disk that is full already
        if not moved:
            beside.unlink(missing_ok=True)
    return moved


def write_answer(folder: Path, name: str, content: bytes) -> None:
    """To ``answers/<name>``, on the disk whole before its witness ``.ok`` tells the sender of it (HPRIM Santé §6.3).

    The name comes from the refused content: an answer that is written again after a crash replaces itself.
    """
    target = folder / ANSWERS / name
    target.parent.mkdir(mode=0o770, exist_ok=True)
    with target.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    target.with_suffix(".ok").touch(mode=0o660)


def remove_witness(folder: Path, sighting: Sighting) -> None:
    """The witness goes after its file: were it to go first, a crash between the two would hide the file."""
    if sighting.witness:
        (folder / sighting.witness).unlink(missing_ok=True)


def _move(folder: Path, sighting: Sighting, target: Path) -> bool:
    source = folder / sighting.name
    if not sighting.unmoved(os.lstat(source)):
        return False
    source.rename(target)
    # Somebody may have put another file under the name just before: it was not read, so it goes back.
    if sighting.unmoved(os.lstat(target)):
        return True
    target.rename(_free(folder, sighting.name))
    return False


def _free(folder: Path, name: str, *beside: str) -> Path:
    """A name in ``folder`` that is free, with what will stand beside it: ``a.hpr``, ``a-2.hpr``, ``a-3.hpr``."""
    stem, extension = os.path.splitext(name)  # noqa: PTH122  a name of somebody's, never a path of ours
    stem = _cut(stem, _LONGEST_NAME - len(os.fsencode(extension)))
    number = 1
    while True:
        candidate = folder / (f"{stem}{extension}" if number == 1 else f"{stem}-{number}{extension}")
        names = [candidate, *(candidate.with_name(candidate.name + ending) for ending in beside)]
        if not any(os.path.lexists(path) for path in names):
            return candidate
        number += 1


def _cut(name: str, octets: int) -> str:
    """At most so many octets, and no half character where the name was text: some shares refuse one."""
    while len(os.fsencode(name)) > octets:
        name = name[:-1]
    return name
