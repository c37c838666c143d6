"""A PostgreSQL of our own: a fresh cluster in a temporary folder, spoken to over a socket in it, ended by its pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.peers.running import absent, daemon, open_folder

USER = "postgres"
_QUIET = ("-c", "listen_addresses=", "-c", "log_min_messages=warning", "-c", "max_connections=30", "-c", "fsync=off")


def _programs() -> Path:
    """Debian keeps them beside each version, not in PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        absent("postgresql not installed")
    return found[-1].parent


def _as_its_user(*command: str) -> Sequence[str]:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", *command)


@contextlib.contextmanager
def running_postgresql() -> Iterator[str]:
    """A running server; gives its SQLAlchemy address."""
    programs = _programs()
    with open_folder("postgresql") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        data = folder / "data"
        make = _as_its_user(
            str(programs / "initdb"), "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C", "-U", USER
        )
        subprocess.run(make, check=True, capture_output=True, cwd=folder, timeout=180)
        serve = _as_its_user(str(programs / "postgres"), "-D", str(data), "-k", str(folder), *_QUIET)
        log = folder / "log"
        with daemon(serve, log):
            _wait(programs, folder, log)
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"


def _wait(programs: Path, folder: Path, log: Path, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False, timeout=60).returncode == 0:
            return
        time.sleep(0.05)
    pytest.fail(f"postgresql did not open: {log.read_text(errors='replace')[-2000:]}")
