"""The system calls a reading child keeps: compute, memory, the socket it was given, the end. All others are refused.

Limits alone stop opening and connecting; they do not stop unlinking, renaming or signalling, which need no descriptor.
A refused call answers EPERM: a library that tries something idle goes on, a hostile one gets nowhere (seccomp(2)).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_ARCH_OFFSET, _NUMBER_OFFSET = 4, 0

_KEPT = (
    "read", "write", "close", "fstat", "lseek", "mmap", "mprotect", "munmap", "mremap", "madvise", "brk",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sched_yield", "getpid", "gettid", "getrusage",
    "futex", "clock_gettime", "getrandom", "set_robust_list", "rseq", "exit", "exit_group",
)  # fmt: skip
_X86_64 = (
    0, 1, 3, 5, 8, 9, 10, 11, 25, 28, 12,
    13, 14, 15, 131, 24, 39, 186, 98,
    202, 228, 318, 273, 334, 60, 231,
)  # fmt: skip
_AARCH64 = (
    63, 64, 57, 80, 62, 222, 226, 215, 216, 233, 214,
    134, 135, 139, 132, 124, 172, 178, 165,
    98, 113, 278, 99, 293, 93, 94,
)  # fmt: skip
_NUMBERS = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
"""AUDIT_ARCH and the numbers of :data:`_KEPT`, in that order (asm/unistd.h)."""


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def kept() -> dict[str, int]:
    """The calls kept on this machine by name; empty where the machine is of a kind not listed."""
    known = _NUMBERS.get(os.uname().machine)
    return dict(zip(_KEPT, known[1], strict=True)) if known else {}


def refuse_all_others(libc: ctypes.CDLL) -> bool:
    """Install the filter for good; needs ``no_new_privs``. ``False`` where the kernel or the machine has none."""
    known = _NUMBERS.get(os.uname().machine)
    if known is None:
        return False
    arch, numbers = known
    code = _filter(arch, numbers)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter(arch: int, numbers: tuple[int, ...]) -> bytes:
    """Classic BPF: another architecture's numbers mean other calls, so they are refused before any is compared."""
    steps = [
        (_LOAD, 0, 0, _ARCH_OFFSET),
        (_JUMP_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    for position, number in enumerate(numbers):
        steps.append((_JUMP_EQUAL, len(numbers) - position, 0, number))
    steps += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
