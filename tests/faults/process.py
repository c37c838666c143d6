"""`huitaine serve` as a process that can be killed like by a power switch, with its reading children watched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.nursery import Nursery, Orphan, warm
from tests.faults.place import Place

ROOT = Path(__file__).resolve().parents[2]
HONEST = ("cli.py",)
START_SECONDS = 120.0
BURIED = 30.0
"""Seconds in which the children of a gateway that was killed must have ended by themselves."""


class GatewayProcess:
    """One installation's gateway, started, killed and started again; ``entry`` is what the interpreter runs."""

    def __init__(
        self,
        place: Place,
        log: Path,
        *,
        entry: Sequence[str] = HONEST,
        before: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        cold: bool = False,
        nursery: Nursery | None = None,
    ) -> None:
        """``before`` goes ahead of the command (strace and its options); ``cold`` wants an interpreter of its own.

        ``nursery`` splits it off in any case: one that carries a library.
        """
        self._command = [*before, sys.executable, *entry, "--config", str(place.settings), "serve"]
        self._wrapped = bool(before)
        self._over = False
        self.log = log
        self._environment = {**os.environ, "PYTHONFAULTHANDLER": "1", **(environment or {})}
        self._process: subprocess.Popen[bytes] | Orphan | None = None
        ours = all(name.startswith("HUITAINE_") for name in environment or ())
        self._cold = nursery is None and (cold or not ours or "PYTEST_VERSION" not in os.environ)
        self._nursery = nursery
        self._read = 0
        self.orphans = 0
        self.kills = 0
        self.died: list[str] = []
        """Starts that ended by themselves before a door was open, each with the end of its log."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_open(self) -> bool:
        """Whether it said that its doors are open."""
        return b"gateway-open" in self.said()

    @property
    def pid(self) -> int:
        """The number of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it and come back at once."""
        self._read = self.log.stat().st_size if self.log.exists() else 0
        self._process = self.launch()

    def launch(self) -> subprocess.Popen[bytes] | Orphan:
        """The process itself; in a test one that is split off, which spares two seconds of imports."""
        match self._command:
            case [sys.executable, "cli.py", *words] if not self._cold:
                return (self._nursery or warm()).born(words, self._environment, self.log)
            case [sys.executable, "-m", module, *words] if not self._cold:
                return (self._nursery or warm()).born(words, self._environment, self.log, module=module)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command, cwd=ROOT, stderr=log, stdout=subprocess.DEVNULL, env=self._environment
            )

    def open(self) -> None:
        """Start it until it is open, as a supervisor would; raises RuntimeError when it dies three times in a row."""
        for _ in range(3):
            self.start()
            try:
                self.wait_until_open()
            except RuntimeError as death:
                if self._over:
                    raise
                self.died.append(str(death))
            else:
                return
        raise RuntimeError(self.died[-1])

    def wait_until_open(self) -> None:
        """Come back once the doors are open; raises RuntimeError with the end of the log."""
        until = time.monotonic() + START_SECONDS
        while not self.is_open:
            if not self.alive or time.monotonic() > until:
                raise RuntimeError(f"exit {self.exit_code}: {self._words()}")
            time.sleep(0.02)

    def _words(self) -> str:
        """The end of what it said; what is no line of news comes last, wherever it stood."""
        lines = self.said().decode(errors="replace").splitlines()
        news = [line for line in lines if '"level": "info"' in line]
        return "\n".join([*news[-5:], *[line for line in lines if line not in news][-30:]])

    def kill(self) -> None:
        """SIGKILL to it alone; its children must end by themselves (counted in ``orphans`` when they do not)."""
        assert self._process is not None
        children = descendants(self._process.pid)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1
        self.orphans += len(still_there(children, seconds=BURIED))

    def stop(self) -> int:
        """SIGTERM, as an administrator stops it; gives the exit code."""
        assert self._process is not None
        if self.alive:
            os.kill(self._own_pid(), signal.SIGTERM)
        try:
            return self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def wait(self, seconds: float) -> int:
        """Wait for its own end; gives the exit code or raises TimeoutExpired."""
        assert self._process is not None
        return self._process.wait(seconds)

    def end(self) -> None:
        """Whatever happened, nothing of it stays, and nobody starts it again."""
        self._over = True
        if self._process is not None and self.alive:
            children = descendants(self._process.pid)
            self._process.kill()
            self._process.wait()
            for pid in still_there(children, seconds=BURIED):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _own_pid(self) -> int:
        """The gateway's own: strace, told to end, would leave it running."""
        assert self._process is not None
        if not self._wrapped:
            return self._process.pid
        return int(Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0])

    def said(self) -> bytes:
        """What it wrote since its last start."""
        if not self.log.exists():
            return b""
        with self.log.open("rb") as log:
            log.seek(self._read)
            return log.read()


def descendants(pid: int) -> dict[int, str]:
    """Process ids under ``pid`` with the moment each began, so that a reused id is not taken for it."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                began = _began(child)
                if began:
                    found |= {child: began, **descendants(child)}
    return found


def _began(pid: int) -> str:
    """Field 22 of /proc/PID/stat; empty for one that is gone or only waits to be buried."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""


def still_there(children: dict[int, str], *, seconds: float) -> list[int]:
    """Which of them are still there after so many seconds."""
    until = time.monotonic() + seconds
    while left := [pid for pid, began in children.items() if _began(pid) == began]:
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    return left
