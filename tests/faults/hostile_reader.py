"""A reader taken over by a letter: what it tries, one thing a letter, and the name of what stopped it (promise E10).

``python -m tests.faults.hostile_reader MEMORY CPU_SECONDS`` is confined as the real one.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from gateway.document import Document, Kind, Original, Reading
from gateway.parsers import child

_PTRACE_ATTACH = 16
LIBC = ctypes.CDLL(None, use_errno=True)
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "unix": socket.AF_UNIX, "netlink": 16, "packet": 17,
            "vsock": 40, "alg": 38}  # fmt: skip


def _call(name: str, *arguments: object) -> str:
    """A libc function; raises what errno says."""
    if getattr(LIBC, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
    return "done"


def _inherited() -> str:
    """Every descriptor beside the pair that it was given; a number is enough to try to read it."""
    found = []
    for number in range(3, 256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(str(number))
    return "found " + ",".join(found) if found else "nothing"


def _secrets_in_memory(word: str) -> str:
    """Whether any object here holds the word: its letter names it backwards, so that the letter does not count."""
    wanted = word[::-1]
    texts = (text for thing in gc.get_objects() if isinstance(thing, dict) for text in list(thing.values()))
    if any(isinstance(text, str) and wanted in text for text in texts):
        return "found"
    return "found" if any(wanted in value for value in os.environ.values()) else "nothing"


def attempts(rest: str) -> dict[str, Callable[[], object]]:
    """What there is to try; ``rest`` is a path, a process id or a word."""
    path = Path(rest)
    number = int(rest) if rest.isdecimal() else 0
    return {
        "read": path.read_bytes,
        "list": lambda: list(path.iterdir()),
        "stat": path.stat,
        "write": lambda: path.write_bytes(b"x"),
        "append": lambda: os.open(rest, os.O_WRONLY | os.O_APPEND),
        "unlink": path.unlink,
        "rename": lambda: path.rename(f"{rest}.gone"),
        "link": lambda: os.link(rest, f"{rest}.link"),
        "chmod": lambda: path.chmod(0o777),
        "mkdir": path.mkdir,
        "chdir": lambda: os.chdir(rest),
        "memfd": lambda: os.memfd_create("x"),
        "socket": lambda: socket.socket(FAMILIES[rest], socket.SOCK_RAW if rest == "packet" else socket.SOCK_STREAM),
        "socketpair": socket.socketpair,
        "fork": os.fork,
        "vfork-exec": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "exec": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "thread": lambda: threading.Thread(target=int).start(),
        "ptrace": lambda: _call("ptrace", _PTRACE_ATTACH, number, 0, 0),
        "read-other": lambda: _read_other(number),
        "kill": lambda: os.kill(number, signal.SIGKILL),
        "stop-group": lambda: os.killpg(0, signal.SIGSTOP),
        "root": lambda: os.setuid(0),
        "namespace": lambda: _call("unshare", 0x10000000),
        "mount": lambda: _call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "unlimit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
        "shared": lambda: _call("shmget", 1, 4096, 0o1666),
        "keyring": lambda: _call("syscall", 248, b"user", b"x", b"y", 1, -4),
        "prctl": lambda: _call("prctl", 4, 1, 0, 0, 0),
        "clock": lambda: _call("syscall", 227, 0, ctypes.create_string_buffer(16)),
        "memory": lambda: mmap.mmap(-1, 2 << 30),
        "gigabyte": lambda: bytearray(1 << 30),
    }


def _read_other(number: int) -> object:
    """``process_vm_readv(2)``: another process's memory without any file."""
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    return _call("process_vm_readv", number, vector, 1, vector, 1, 0)


def _try(what: str, rest: str) -> str:
    if what == "inherited":
        return _inherited()
    if what == "secret":
        return _secrets_in_memory(rest)
    try:
        attempts(rest)[what]()
    except BaseException as denied:  # noqa: BLE001 (the very point: whatever stopped it is told)
        return f"denied {type(denied).__name__}"
    return "done"


def read(content: bytes, *, name: str, expect_mail: bool) -> Reading:
    """Try what the letter says."""
    del name, expect_mail
    what, _, rest = content.decode().partition(" ")
    original = Original(format="text", content=b"x")
    document = Document(kind=Kind(loinc=None, label="said"), original=original, text=_try(what, rest))
    return Reading(format="text", documents=(document,))


if __name__ == "__main__":
    child.serve(read, memory=int(sys.argv[1]), cpu_seconds=int(sys.argv[2]))
