"""Lines of the log, written beside the event loop: a disk that is busy must not stop whoever only tells news (D9).

News goes to a thread that writes what a moment brought in one call. A warning, and whatever is worse, is written before
the call returns, behind all that was told before it: the process may not live to say it later.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TextIO

import structlog

MOMENT = 0.02
"""Seconds of news in one write."""
MOST = 10_000
"""Lines that may wait; beyond them whoever tells one writes himself."""


class Lines:
    """What structlog calls a logger: a method for each level, given the line. One object for the whole process.

    No line is worth a letter: a file that cannot be written to (a full disk, a reader that has gone) raises nothing.
    """

    def __init__(self, out: TextIO, *, moment: float = MOMENT) -> None:
        """Start the thread; :meth:`close` ends it, and a process that just goes loses the last moment's news."""
        self._out, self._moment = out, moment
        self._waiting: deque[str] = deque()
        self._some, self._writing, self._closed = threading.Event(), threading.Lock(), False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def info(self, line: str) -> None:
        """Written in a moment."""
        self._waiting.append(line)
        if self._closed or len(self._waiting) > MOST:
            self.flush()
        elif not self._some.is_set():
            self._some.set()

    def warning(self, line: str) -> None:
        """Written on return, and all before it."""
        self._waiting.append(line)
        self.flush()

    debug = info
    error = exception = critical = warning

    def flush(self) -> None:
        """Write what waits; what could not be written is gone."""
        with self._writing:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                with contextlib.suppress(OSError, ValueError):  # ValueError: closed, or not to be encoded
                    self._out.write("\n".join(lines) + "\n")
                    self._out.flush()

    def close(self) -> None:
        """Write what waits and end the thread; what is told afterwards is written at once."""
        self._closed = True
        self._some.set()
        self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._closed:
            self._some.wait()
            time.sleep(self._moment)
            self._some.clear()
            self.flush()


def configure(style: str, path: Path | None = None) -> None:
    """Journal on standard error (or to ``path``), one line an event: ``json`` for journald, ``text`` for a terminal.

    Call it once in a process; what was told is written by its end (:class:`Lines`).
    """
    out = path.open("a", encoding="utf-8") if path else sys.stderr
    renderer = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    lines = Lines(out)
    atexit.register(lines.close)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    for chatty in ("aioimaplib", "mail.log", "aiosmtplib", "asyncio", "pyhanko", "gnupg"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
