"""A gateway that breaks promise E12 on purpose: its journal quotes each letter. Control of E12."""

from __future__ import annotations

from typing import Any

import structlog

import cli
from gateway.queue.store import Store

_keep = Store.keep


async def keep(self: Store, letter: Any) -> Any:
    """As careless code would."""
    structlog.get_logger().info("keeping", letter=letter.content.decode("utf-8", "replace"))
    return await _keep(self, letter)


if __name__ == "__main__":
    Store.keep = keep  # type: ignore[method-assign]  # that is the point
    cli.main()
