"""A probed gateway that works on every letter at once, however large it is: the control of D9 for large letters.

Sealing takes a second more, as on a slow machine: what the probe takes off for a busy one must not hide all of it.
"""

from __future__ import annotations

import time

import cli
from gateway import beside
from gateway.crypto.seal import Sealer
from gateway.letter import ComposedMail, SealedMail
from gateway.service.running import Running
from tests.faults import probed

_quick = Sealer.seal


def slow(self: Sealer, mail: ComposedMail) -> SealedMail:
    """As ever, and a second late."""
    time.sleep(1.0)
    return _quick(self, mail)


if __name__ == "__main__":
    beside.LARGE = 1 << 62
    Sealer.seal = slow  # type: ignore[method-assign]  # that is the point
    Running.__aenter__ = probed.start  # type: ignore[method-assign]  # that is the point
    cli.main()
