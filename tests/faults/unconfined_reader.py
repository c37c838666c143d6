"""The hostile reader without its walls. Control of E10."""

from __future__ import annotations

import os
import sys

from gateway.parsers import child
from tests.faults import hostile_reader


def fork() -> int:
    """As the attempt has it, but the copy is gone at once: it must not answer in its parent's name."""
    number = _fork()
    if number == 0:
        os._exit(0)
    os.waitpid(number, 0)
    return number


_fork = os.fork

if __name__ == "__main__":
    child.confine = lambda **_: ()  # type: ignore[assignment]  # that is the point
    os.fork = fork
    child.serve(hostile_reader.read, memory=int(sys.argv[1]), cpu_seconds=int(sys.argv[2]))
