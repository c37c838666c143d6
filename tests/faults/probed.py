"""`huitaine serve` with a probe of its event loop (promise D9): ``python -m tests.faults.probed``, not ``cli.py``.

HUITAINE_LAG names the file for the longest wait, in milliseconds, and where the loop was; HUITAINE_BLOCK makes the SMTP
door's look at each letter sleep so many seconds (the control). A wait for a free processor, of the loop's thread or of
one that holds the interpreter meanwhile, is not the loop's: the kernel counts it (schedstat) and it is taken off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path

import cli
from gateway.service.running import Running
from gateway.smtp.server import data

BEAT = 0.02
_SUSPECT = 0.06
_honest_start, _honest_look = Running.__aenter__, data.examine


class Probe:
    """A task that should wake every 20 ms, and a thread that looks where the loop is when it does not."""

    def __init__(self, told: Path) -> None:
        self._told = told
        self._beat = time.monotonic()
        self._main = threading.get_ident()
        self._longest = 0.0
        self._place: list[str] = []
        self._write()

    async def beat(self) -> None:
        """For as long as the gateway runs."""
        while True:
            waited = _waited()
            began = time.monotonic()
            await asyncio.sleep(BEAT)
            self._beat = time.monotonic()
            lag = self._beat - began - BEAT - (_waited() - waited)
            if lag > self._longest:
                self._longest = lag
                self._write()

    def watch(self) -> None:
        """In a thread: where the loop stands still."""
        while True:
            time.sleep(_SUSPECT / 3)
            if time.monotonic() - self._beat > _SUSPECT + BEAT:
                frame = sys._current_frames().get(self._main)
                self._place = [f"{each.name} {each.filename}:{each.lineno}" for each in traceback.extract_stack(frame)]

    def _write(self) -> None:
        place = self._place[-8:] if self._longest > _SUSPECT else []
        new = self._told.with_suffix(".new")
        new.write_text(json.dumps({"milliseconds": self._longest * 1000, "place": place}))
        new.replace(self._told)


def _waited() -> float:
    """Seconds for which our threads could run and had no processor."""
    total = 0
    for task in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(task.read_text().split()[1])
    return total / 1e9


async def start(self: Running) -> Running:
    """The gateway, with its probe beside it."""
    running = await _honest_start(self)
    probe = Probe(Path(os.environ["HUITAINE_LAG"]))
    running.probe = asyncio.get_running_loop().create_task(probe.beat())  # type: ignore[attr-defined]  # kept alive
    threading.Thread(target=probe.watch, daemon=True).start()
    return running


def look(*arguments: object, **more: object) -> bytes:
    """A door that forgets that it stands on the loop."""
    time.sleep(float(os.environ["HUITAINE_BLOCK"]))
    return _honest_look(*arguments, **more)  # type: ignore[arg-type]


if __name__ == "__main__":
    Running.__aenter__ = start  # type: ignore[method-assign]  # that is the point
    if os.environ.get("HUITAINE_BLOCK"):
        data.examine = look
    cli.main()
