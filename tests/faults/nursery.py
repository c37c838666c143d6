"""`huitaine` by fork: a process that has imported everything once splits off those that serve or run a command.

Starting an interpreter costs two seconds of CPU, and the crash points need hundreds of starts. Whoever is split off is
a grandchild whose parent ends at once: the campaign, which takes in orphans (prctl(2), PR_SET_CHILD_SUBREAPER), becomes
its parent and can wait for it.
"""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SET_CHILD_SUBREAPER = 36
_PRODUCT = (
    "cli",
    "commands.running",
    "gateway.service.running",
    "gateway.service.from_settings.entrances",
    "gateway.queue.erasing",
)


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
        self._carried = {"LD_PRELOAD": str(preload)} if preload else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env={**os.environ, **self._carried},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def born(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        out: str = os.devnull,
        folder: Path | None = None,
        module: str = "",
    ) -> Orphan:
        """`huitaine` with these arguments and this environment; its words go to ``log`` and ``out``.

        It works in ``folder``, else in ours; ``module`` is run in its place (``python -m``).
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        surroundings = (str(folder or Path.cwd()), out, str(log), module)
        told = [list(arguments), {**environment, **self._carried}, *surroundings]
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return Orphan(int(self._process.stdout.readline()))

    def typed(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path, *, seconds: float = 90
    ) -> subprocess.CompletedProcess[str]:
        """The command as a person types it in ``folder``, until its end."""
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            process = self.born(arguments, environment, Path(err.name), out=out.name, folder=folder)
            code = process.wait(seconds)
            return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())

    def close(self) -> None:
        """End it; the gateways live on."""
        self._process.kill()
        self._process.communicate()


@cache
def warm(shim: Path | None = None) -> Nursery:
    """The one of this process, for tests that start many; another for each library, by its source in C.

    Raises FileNotFoundError where there is no C compiler.
    """
    nursery = Nursery(_compiled(shim) if shim else None)
    atexit.register(nursery.close)
    return nursery


def _compiled(source: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="huitaine-shim-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / f"{source.stem}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(made), str(source), "-ldl", "-lpthread"], check=True)
    return made


def _serve() -> None:
    """Split off what is asked for, and tell its process id, until the campaign is gone."""
    from importlib import import_module

    for module in _PRODUCT:
        import_module(module)
    for line in sys.stdin:
        arguments, *surroundings = json.loads(line)
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
            _become(arguments, *surroundings)


def _become(arguments: list[str], environment: dict[str, str], folder: str, out: str, log: str, module: str) -> None:
    from tests import cheap
    from tests.faults import points

    os.closerange(3, 64)
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
    faulthandler.enable()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["huitaine", *arguments]
    if "PYTEST_VERSION" in os.environ:
        cheap.hurry()
    code: object = 1
    try:
        points.main() if not module else runpy.run_module(module, run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  what an interpreter would do at its end
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # type: ignore[attr-defined]  # the last lines of the log are written there
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    _serve()
