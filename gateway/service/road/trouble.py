"""What the directory's files can do to a look-up, told in the gateway's own terms: the letter waits, it is not lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from directory import DirectoryError
from gateway.errors import StorageUnavailable


@contextmanager
def directory_trouble() -> Iterator[None]:
    """``StorageUnavailable`` for a file of another version, one being replaced, or a disk that cannot be read."""
    try:
        yield
    except DirectoryError as error:
        raise StorageUnavailable(f"directory: {error.code}") from error
    except sqlite3.Error as error:
        raise StorageUnavailable(f"directory: {type(error).__name__}") from error
