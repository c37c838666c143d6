"""A gateway whose stations fail, each time with the letter itself in the exception's text: what E12 has to survive."""

from __future__ import annotations

from typing import Any, NoReturn

import cli
from gateway.parsers.children import Readers
from gateway.queue.store import Store

_times = [0]
_keep = Store.keep


async def keep(self: Store, letter: Any) -> Any:
    """Every second letter cannot be kept."""
    _times[0] += 1
    if _times[0] % 2:
        raise KeyError(letter.content.decode("utf-8", "replace"), letter.envelope)
    return await _keep(self, letter)


async def read(self: Readers, content: bytes, **_: object) -> NoReturn:
    """No letter can be read."""
    raise ValueError(content.decode("utf-8", "replace"))


if __name__ == "__main__":
    Store.keep = keep  # type: ignore[method-assign]  # that is the point
    Readers.read = read  # type: ignore[assignment,method-assign]
    cli.main()
