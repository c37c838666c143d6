"""Giving up rights for good, in the reading child, before the first foreign byte (design.md, decision 8; promise E10).

Afterwards the process can read and write the socket it was given, compute, and ask for memory up to a limit. It cannot
open, create, connect, remove or signal anything: no descriptor is left to allot and few system calls remain. What a
kernel does not offer is left out and reported, except the limits, without which no letter is read.
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Callable

from gateway.parsers.syscalls import refuse_all_others

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_NOBODY = 65534


def confine(*, memory: int, cpu_seconds: int) -> tuple[str, ...]:
    """Give up what reading does not need; returns what was given up. Call once everything is imported."""
    libc = ctypes.CDLL(None, use_errno=True)
    steps: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("network", lambda: _no_network(libc)),
        ("root", _no_root),
        ("new-privileges", lambda: libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0),
        ("ptrace", lambda: libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0),
    )
    denied = [name for name, give_up in steps if give_up()]
    _limit(memory=memory, cpu_seconds=cpu_seconds)
    calls = ("system-calls",) if refuse_all_others(libc) else ()
    return (*denied, "memory", "cpu", "files", "processes", "core", *calls)


def _no_network(libc: ctypes.CDLL) -> bool:
    """A network namespace with nothing in it; some kernels and containers forbid it, then the other walls hold."""
    if os.geteuid() == 0:
        return bool(libc.unshare(_CLONE_NEWNET) == 0)
    return bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def _no_root() -> bool:
    if os.getuid() != 0:
        return False
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    return True


def _limit(*, memory: int, cpu_seconds: int) -> None:
    limits = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_NOFILE, 0),
    )
    for limit, value in limits:
        hard = resource.getrlimit(limit)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (allowed, allowed))
