"""Gateways by fork: a process that has imported everything once, and splits off one that is told where to die.

Starting an interpreter costs two seconds of CPU, and the crash points need hundreds of starts. The gateway that is
split off is a grandchild whose parent ends at once: the campaign, which takes in orphans (prctl(2),
PR_SET_CHILD_SUBREAPER), becomes its parent and can wait for it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.place import Place
from tests.faults.process import GatewayProcess

ROOT = Path(__file__).resolve().parents[2]
_SET_CHILD_SUBREAPER = 36
_PRODUCT = ("cli", "commands.running", "gateway.service.running", "gateway.service.entrances", "gateway.queue.erasing")


def take_in_orphans() -> None:
    """From now on, processes under us that lose their parent are our children."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Orphan:
    """A grandchild that became ours, with what :class:`subprocess.Popen` offers of a child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The process that knows everything already; ``preload`` is a library that all of its gateways carry."""

    def __init__(self, preload: Path | None = None) -> None:
        """Start it; :meth:`close` ends it."""
        take_in_orphans()
        environment = {**os.environ, **({"LD_PRELOAD": str(preload)} if preload else {})}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def born(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> Orphan:
        """A gateway with these arguments and this environment on top of ours; its words go to ``log``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([list(arguments), environment, str(log)]) + "\n")
        self._process.stdin.flush()
        return Orphan(int(self._process.stdout.readline()))

    def close(self) -> None:
        """End it; the gateways live on."""
        self._process.kill()
        self._process.communicate()


class ForkedGateway(GatewayProcess):
    """A gateway out of the nursery; ``environment`` may change between two starts."""

    def __init__(self, place: Place, log: Path, nursery: Nursery) -> None:
        super().__init__(place, log)
        self._nursery, self._settings = nursery, place.settings
        self.environment: dict[str, str] = {}

    def launch(self) -> Orphan:  # type: ignore[override]  # it quacks as a Popen
        return self._nursery.born(["--config", str(self._settings), "serve"], self.environment, self.log)


def _serve() -> None:
    """Split off what is asked for, and tell its process id, until the campaign is gone."""
    from importlib import import_module

    for module in _PRODUCT:
        import_module(module)
    for line in sys.stdin:
        arguments, environment, log = json.loads(line)
        ours, theirs = os.pipe()
        if parent := os.fork():
            os.waitpid(parent, 0)  # from now on the gateway is the campaign's child
            os.write(1, os.read(ours, 100))
            os.close(ours)
            os.close(theirs)
        elif child := os.fork():
            os.write(theirs, f"{child}\n".encode())
            os._exit(0)
        else:
            _become(arguments, environment, log)


def _become(arguments: list[str], environment: dict[str, str], log: str) -> None:
    from tests.faults import points

    os.closerange(3, 64)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
    os.environ.update(environment)
    sys.argv = ["huitaine", *arguments]
    code: object = 1
    try:
        points.main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    _serve()
