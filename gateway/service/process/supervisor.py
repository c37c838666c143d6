"""The service manager's side: ready, stopping, still alive (sd_notify(3)), and sockets it opened (sd_listen_fds(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from datetime import timedelta

_FIRST = 3
"""SD_LISTEN_FDS_START."""


def notify(*lines: str) -> None:
    """Tell the manager; nobody listens outside systemd, and a manager that is gone harms nobody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking:
        speaking.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        speaking.sendall("\n".join(lines).encode())


def watchdog() -> timedelta | None:
    """How often at least the manager wants to hear from us; ``None`` when it does not ask."""
    microseconds, wanted = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdecimal() or wanted != str(os.getpid()):
        return None
    return timedelta(microseconds=int(microseconds))


def given_sockets() -> Mapping[str, socket.socket]:
    """The listening sockets that the manager opened for us, by ``FileDescriptorName=``; to be asked once."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return {}
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    count = int(os.environ.pop("LISTEN_FDS", "0"))
    found = {}
    for number, name in zip(range(_FIRST, _FIRST + count), names, strict=False):
        os.set_inheritable(number, False)  # noqa: FBT003 (positional only)
        found[name] = socket.socket(fileno=number)
    return found
