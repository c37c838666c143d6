"""Files that hold secrets: 0600 whatever the umask, written whole or not at all, refused when others can read them."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from gateway.errors import KeyStoreRefused

LIMIT = 1 << 20
"""A key file is a few kilobytes; more than this is something else."""


def write_private(path: Path, content: bytes, *, replace: bool = False) -> None:
    """On return the file is whole, 0600 and fsynced; an existing one is refused unless ``replace``."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(temporary, content)
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)  # fails when the name exists, so two writers cannot both win
    except FileExistsError as error:
        raise KeyStoreRefused(f"{path.name}: exists already and is never overwritten") from error
    except OSError as error:
        raise KeyStoreRefused(f"{path.name}: cannot be written ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _fsync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """The content; KeyStoreRefused when missing, not a plain file, or open to others."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise KeyStoreRefused(f"{path.name}: missing") from error
    except OSError as error:
        raise KeyStoreRefused(f"{path.name}: cannot be opened ({error.strerror})") from error
    try:
        _check_private(os.fstat(descriptor), path.name)
        return os.read(descriptor, LIMIT)
    finally:
        os.close(descriptor)


def private_folder(path: Path) -> None:
    """On return the folder exists and is 0700; one that others may write to is refused."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o022:
        raise KeyStoreRefused(f"{path.name}: folder can be written by others; run: chmod 700")


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # the umask may have taken the owner's own bits
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_private(status: os.stat_result, name: str) -> None:
    """The owner alone; a credential that root hands over may be readable by one group (systemd, LoadCredential)."""
    handed_over = status.st_uid == 0 and os.geteuid() != 0
    forbidden = 0o037 if handed_over else 0o077
    if not stat.S_ISREG(status.st_mode):
        raise KeyStoreRefused(f"{name}: not a plain file")
    if status.st_mode & forbidden:
        raise KeyStoreRefused(f"{name}: permissions {stat.S_IMODE(status.st_mode):04o} are too open; run: chmod 600")
