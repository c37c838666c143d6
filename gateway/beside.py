"""Work that goes over a whole large letter, done beside the event loop, which serves everybody else (promise D9).

A leaf, because the doors, the store, the readers, composing, sealing and the courier each go over the bytes once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 512 << 10
"""Octets from which a thread costs less than the wait of the others."""
PIECE = 1 << 20

# Two, and not the loop's own: large letters wait for each other (and for memory), nobody else waits behind them.
_THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="large")


async def beside(size: int, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """What ``work`` gives or raises: in a thread when it goes over more than :data:`LARGE` octets, else at once.

    A caller who is cancelled does not stop ``work``. Whatever it touches must bear two threads. One call into C keeps
    the interpreter to itself, in a thread as well: what takes long over 50 MB is done piece by piece.
    """
    if size <= LARGE:
        return work(*given, **named)
    there = partial(copy_context().run, work, *given, **named)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, there)


def pieces(content: bytes, size: int = PIECE) -> Iterator[bytes]:
    """``content`` in order, in pieces of ``size`` octets; a short one is not copied, an empty one is one piece."""
    if len(content) <= size:
        yield content
        return
    for start in range(0, len(content), size):
        yield content[start : start + size]
