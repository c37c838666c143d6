"""A probed gateway that works on every letter at once, however large it is: the control of D9 for large letters."""

from __future__ import annotations

import cli
from gateway import beside
from gateway.service.running import Running
from tests.faults import probed

if __name__ == "__main__":
    beside.LARGE = 1 << 62
    Running.__aenter__ = probed.start  # type: ignore[method-assign]  # that is the point
    cli.main()
