"""What the process gives up and keeps silent about before it holds the first secret (promises E10 and E12).

A core file, a debugger of the same user and a traceback would each show what the disk never does: keys, names, letters.
"""

from __future__ import annotations

import ctypes
import logging
import resource
import sys
import threading
import warnings
from asyncio import AbstractEventLoop
from types import TracebackType
from typing import Any

import structlog

_PR_SET_DUMPABLE = 4


def keep_to_ourselves() -> None:
    """No core file, no debugger of our own user, no library's words on standard error; call once, early."""
    _not_dumpable()
    sys.excepthook = _uncaught
    threading.excepthook = _in_thread
    sys.unraisablehook = _unraisable
    warnings.simplefilter("ignore")
    logging.getLogger().addHandler(_Libraries())


def keep_loop_to_itself(loop: AbstractEventLoop) -> None:
    """What asyncio would print with the repr of a task or a protocol becomes one journal line with the error's kind."""
    loop.set_exception_handler(_in_loop)


def _not_dumpable() -> None:
    """``prctl(2)``: /proc/PID is root's then, and neither ptrace nor a crash shows the memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class _Libraries(logging.Handler):
    """What a library would print is one line of news, told beside the event loop (D9): who and where, not its words."""

    def emit(self, record: logging.LogRecord) -> None:
        """Of asyncio for one: ``socket.send() raised exception`` for each write to a client that has gone."""
        kind = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().info(
            "library",
            library=record.name,
            severity=record.levelname.lower(),
            place=f"{record.module}:{record.lineno}",
            error=kind.__name__ if kind else "",
        )


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _tell("uncaught", kind, trace)


def _in_thread(args: threading.ExceptHookArgs) -> None:
    _tell("thread-ended", args.exc_type, args.exc_traceback)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    _tell("unraisable", args.exc_type, args.exc_traceback)


def _in_loop(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    _tell("loop-fault", type(error) if error else None, error.__traceback__ if error else None)


def _tell(event: str, kind: type[BaseException] | None, trace: TracebackType | None) -> None:
    """The kind and the place in our own code; never the message, which may quote a letter."""
    name = kind.__name__ if kind else "unknown"
    structlog.get_logger().critical(event, error=name, place=_place(trace))


def _place(trace: TracebackType | None) -> str:
    """``module:line`` where it was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
