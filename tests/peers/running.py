"""What every real peer needs: a free port, a folder its own users can enter, a wait for its first word, an end by pid.

A peer that is absent skips the test with its reason on a developer's machine and fails it when ``CI=true``.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

LOOPBACK = "127.0.0.1"
_CHANCE = random.SystemRandom()
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_given: set[int] = set()


def absent(reason: str) -> None:
    """Skips here, fails where the continuous integration promised that the peer is there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true and {reason}")
    pytest.skip(reason)


def need(*programs: str, root: bool = False) -> None:
    """Skips (or fails, see :func:`absent`) unless the programs are on this machine and we are root if asked."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [program for program in programs if not shutil.which(program, path=path)]
    if missing:
        absent(f"{', '.join(missing)} not installed")
    if root and os.geteuid() != 0:
        absent("only root can start this server with its own users")


def free_port() -> int:
    """As :func:`free_ports`, one."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Several different free ports, below those that the system gives to clients.

    Of those, a client of another test could take one while a server that had it starts again. Drawn, and not by the
    tests' own seed: the workers would all draw the same. Each worker has ports of its own and gives none twice: what
    was given is bound a while later, or by a server that is just starting again.
    """
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            probe, port = stack.enter_context(socket.socket()), _drawn()
            with contextlib.suppress(OSError):
                probe.bind((LOOPBACK, port))
                found.append(port)
    return found


def _drawn() -> int:
    """A port of this worker's that was not given yet."""
    while (port := _CHANCE.randrange(10_240 + _WORKER, 32_768, _WORKERS)) in _given:
        pass
    _given.add(port)
    return port


@contextlib.contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A fresh folder that the servers' own users can enter (pytest's are closed to them)."""
    folder = Path(tempfile.mkdtemp(prefix=f"huitaine-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    """Returns once somebody listens; fails with the end of the log when the process dies or time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    words = log.read_text(errors="replace")[-2000:] if log.exists() else "no log"
    pytest.fail(f"port {port} did not open: {words}")


@contextlib.contextmanager
def daemon(
    arguments: Sequence[str], log: Path, *, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A foreground process of our own, its words in ``log``; ended by its pid, with its whole group."""
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", **(env or {})}
    with log.open("ab") as words:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            break
    # Children that outlive their master (Postfix's) belong to the group that we made for it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
