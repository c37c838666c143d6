"""One gateway per drop folder: two that look into the same one would each take every file."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

LOCK = ".huitaine.lock"
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class Claim:
    """An advisory lock on a hidden file in the folder; the kernel lets go of it when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file = -1

    def hold(self) -> bool:
        """Whether the folder is ours; asked before each look, since a share may go away and another come in its place.

        A share that knows no locks is taken as ours. Raises ``OSError`` when the folder cannot be written to.
        """
        if self._file >= 0 and self._is_still_there():
            return True
        self.release()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(file)
                if isinstance(error, BlockingIOError):
                    return False
                raise
        self._file = file
        return True

    def release(self) -> None:
        """Let another gateway have it; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _is_still_there(self) -> bool:
        try:
            named = self._path.lstat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file)
        return (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)
