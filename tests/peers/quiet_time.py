"""A loop whose time passes at once where nothing happens: real sockets, and 600 s that take a moment.

When no socket of this process has had anything to say for ``QUIET`` seconds, and no thread of the loop's is at work,
the clock goes on to the next timer. So every peer must live in the same loop: a process of its own may be busy without
our seeing it. A machine that stands still for a while is not quiet: limits of seconds, not of milliseconds, hold.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any

QUIET = 0.1


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0
        self.at_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= QUIET or self.at_work:
            return super().select(timeout)
        ready = super().select(QUIET)
        if not ready:
            self.skipped += timeout - QUIET
        return ready


class QuietLoop(asyncio.SelectorEventLoop):
    """Its ``time()`` is the machine's and what was skipped."""

    def __init__(self) -> None:
        self._quiet = _Selector()
        super().__init__(self._quiet)

    def time(self) -> float:
        return time.monotonic() + self._quiet.skipped

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._quiet.at_work += 1
        future.add_done_callback(self._has_worked)
        return future

    def _has_worked(self, _: asyncio.Future[Any]) -> None:
        self._quiet.at_work -= 1


def in_quiet_time(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a test's body on such a loop, with asyncio's own clean-up."""
    with asyncio.Runner(loop_factory=QuietLoop) as runner:
        runner.run(work())


def loop_clock() -> datetime:
    """The loop's time as the moment that courier and queue ask for."""
    return datetime(2026, 1, 15, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time())
