"""A gateway that breaks promise F6 on purpose: told to stop, it is gone, and says that all is well. Control of F6."""

from __future__ import annotations

import os

import cli
from gateway.service.running import Running


async def gone(self: Running, *_: object) -> None:
    """Nothing is finished, nothing given back."""
    os._exit(0)


if __name__ == "__main__":
    Running.__aexit__ = gone  # type: ignore[method-assign]
    cli.main()
