"""Tells through a folder: one file an answer, whole from the moment its name is there; the name is the answer's id."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.receipts.saying import Again, Said, Taken


def write_answer(folder: Path, name: str, content: bytes) -> Said:
    """Write ``name`` into ``folder``, which exists: temporary name, fsync, rename, fsync of the folder.

    The same answer again is the same file again. Raises nothing of the disk.
    """
    begun = folder / f".{name}.part"
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o640), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.rename(folder / name)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        return Again(code=type(error).__name__)
    return Taken(code="file")
