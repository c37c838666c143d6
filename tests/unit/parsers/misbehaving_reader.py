"""A reading child that does what a hostile letter might make it do: the letter's first word says what."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.document import Document, Kind, Original, Reading
from gateway.errors import UnreadableDocument
from gateway.parsers.child import serve
from gateway.parsers.remarks import error


def _said(text: str) -> Reading:
    original = Original(format="text", content=b"x")
    return Reading(
        format="text", documents=(Document(kind=Kind(loinc=None, label="said"), original=original, text=text),)
    )


def _attempt(what: str) -> str:
    """Try something a reader has no business to do; the name of the error that stopped it, or ``done``.

    ``unlink`` and ``rename`` name the file they are to harm.
    """
    what, _, file = what.partition(" ")
    attempts = {
        "write": lambda: Path("/tmp/huitaine-was-here").write_text("x"),
        "read-secret": lambda: Path("/etc/shadow").read_text(),
        "read-any": lambda: Path("/etc/hostname").read_text(),
        "connect": lambda: socket.socket().connect(("127.0.0.1", 9)),
        "unix-socket": socket.socketpair,
        "fork": os.fork,
        "run": lambda: subprocess.run(["/bin/true"], check=True),
        "become-root": lambda: os.setuid(0),
        "more-memory": lambda: bytearray(2 << 30),
        "unlink": lambda: Path(file).unlink(),
        "rename": lambda: Path(file).rename(f"{file}-was-here"),
        "exec": lambda: os.execv("/bin/true", ["/bin/true"]),  # noqa: S606
        "kill-parent": lambda: os.kill(os.getppid(), 0),
        "unlimit": _unlimit,
    }
    try:
        attempts[what]()
    except BaseException as denied:  # noqa: BLE001  # the very point: whatever it is, it is told
        return type(denied).__name__
    return "done"


def _unlimit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _memory() -> None:
    hoard = [bytes(1 << 24) for _ in range(1000)]
    raise AssertionError(len(hoard))


def _forever() -> None:
    while True:
        pass


def _raise() -> None:
    raise KeyError("TESTINI AMELIE")


def _refuse() -> None:
    raise UnreadableDocument((error("test", "line 1", "refused"),), "detail")


HARMS: dict[str, Callable[[], object]] = {
    "memory": _memory,
    "forever": _forever,
    "exit": lambda: os._exit(7),
    "segfault": lambda: ctypes.string_at(0),
    "raise": _raise,
    "refuse": _refuse,
    "nonsense": lambda: os.write(1, b"\x00\x00\x00\x04nope"),
    "flood": lambda: os.write(1, b"\xff\xff\xff\xff"),
}


def read(content: bytes, *, name: str, expect_mail: bool) -> Reading:
    """Misbehave as told, or say what was asked."""
    del name, expect_mail
    word, _, rest = content.decode().partition(" ")
    if word in HARMS:
        HARMS[word]()
    answers: dict[str, Callable[[], str]] = {
        "environment": lambda: ",".join(sorted(os.environ)),
        "attempt": lambda: _attempt(rest),
        "pid": lambda: str(os.getpid()),
    }
    return _said(answers.get(word, lambda: rest)())


if __name__ == "__main__":
    serve(read, memory=int(sys.argv[1]), cpu_seconds=int(sys.argv[2]))
