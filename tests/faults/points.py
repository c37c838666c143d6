"""`huitaine`, made to die at a named instant: ``HUITAINE_CRASH_AT=label[:n] python -m tests.faults.points …`` (A3).

The product knows nothing of this: the functions it is made of are wrapped from outside, and the n-th call that counts
is the last thing the process does. It says which point it was on its standard error, then kills itself with SIGKILL.
"""

from __future__ import annotations

import importlib
import inspect
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

CRASH_AT = "HUITAINE_CRASH_AT"
DEATH = "crash-point {label}"

Counts = Callable[[tuple[Any, ...], Any], bool]
Function = Callable[..., Any]


def _each(_arguments: tuple[Any, ...], _result: object) -> bool:
    return True


def _said(words: bytes) -> Counts:
    """The first argument after ``self`` begins with ``words``."""

    def counts(arguments: tuple[Any, ...], _result: object) -> bool:
        said = arguments[1]
        return (said.encode() if isinstance(said, str) else said).startswith(words)

    return counts


def _kept(arguments: tuple[Any, ...], _result: object) -> bool:
    """A group of the writer that keeps a letter."""
    return any(job.verb.__name__ == "keep" for job in arguments[2])


def _done(arguments: tuple[Any, ...], _result: object) -> bool:
    return type(arguments[1].outcome).__name__ == "Done"


def _given(_arguments: tuple[Any, ...], result: object) -> bool:
    return bool(result)


def _taken(_arguments: tuple[Any, ...], result: object) -> bool:
    return b"\rMSA|AA|" in bytes(result)  # type: ignore[call-overload]  # an acknowledgement's octets


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """``at`` is ``module:attribute``; the process dies before or after a call of it that ``counts``."""

    at: str
    after: bool = False
    counts: Counts = _each
    most: int = 30
    """A campaign draws n from 1 to this."""
    needs: str = ""
    """What must happen for it to be reached, besides letters: see crashing.py."""


_STORE, _HOP = "gateway.queue.store:Store", "gateway.smtp.courier"
_TRANSACTION, _DIALOGUE = f"{_HOP}.transaction:Transaction", f"{_HOP}.dialogue:Dialogue"
_FOLDER = "gateway.ingest.folder.door:move_to_taken"
_PURGE = "gateway.queue.erasing:purge"
_TELL = "gateway.service.senders.telling:Teller._hand_over"

POINTS: dict[str, Point] = {
    # acceptance
    "before-keep": Point(at="gateway.queue.accept:keep"),
    "in-keep": Point(at="gateway.queue.accept:keep", after=True),
    "before-commit": Point(at="sqlalchemy.engine.base:Transaction.commit", most=60),
    "after-commit": Point(at="gateway.queue.writer:Writer._transact", after=True, counts=_kept),
    "before-250": Point(at="aiosmtpd.smtp:SMTP.push", counts=_said(b"250 2.0.0 Queued")),
    "after-250": Point(at="aiosmtpd.smtp:SMTP.push", after=True, counts=_said(b"250 2.0.0 Queued")),
    "before-ack": Point(at="gateway.ingest.mllp.answering:Answering.answer", after=True, counts=_taken, most=10),
    "after-ack": Point(at="gateway.ingest.mllp.door:_Connection._answer", after=True, most=10),
    "before-rename": Point(at=_FOLDER, most=8),
    "after-rename": Point(at=_FOLDER, after=True, most=8),
    # the road
    "in-plan": Point(at="gateway.queue.deliveries:plan", after=True),
    "after-lease": Point(at=f"{_STORE}.plan", after=True, counts=_given),
    "after-claim": Point(at=f"{_STORE}.claim", after=True, counts=_given, most=3),
    # the hand-over
    "before-mail": Point(at=f"{_TRANSACTION}.carry"),
    "after-354": Point(at=f"{_TRANSACTION}._open_data", after=True),
    "before-dot": Point(at=f"{_DIALOGUE}.write", counts=_said(b".\r\n")),
    "after-dot": Point(at=f"{_DIALOGUE}.write", after=True, counts=_said(b".\r\n")),
    "after-reply": Point(at=f"{_TRANSACTION}.carry", after=True),
    "before-done": Point(at=f"{_STORE}.finish", counts=_done),
    "in-done": Point(at="gateway.queue.deliveries:finish", after=True),
    "after-done": Point(at=f"{_STORE}.finish", after=True, counts=_done),
    # beside the road
    "in-dsn": Point(at=_TELL, most=2, needs="deferred"),
    "after-dsn": Point(at=_TELL, after=True, most=2, needs="deferred"),
    "in-purge": Point(at=_PURGE, after=True, counts=_given, most=3, needs="retention"),
    "after-purge": Point(at=f"{_STORE}.tidy", after=True, counts=_given, most=2, needs="retention"),
    "during-checkpoint": Point(at="", most=60, needs="checkpoint"),
    "in-stop": Point(at="gateway.queue.worker:Worker.drain", most=1, needs="stop"),
    "at-the-end-of-stop": Point(at=f"{_STORE}.close", most=1, needs="stop"),
}


def die(label: str) -> None:
    """The last act of this process."""
    os.write(2, DEATH.format(label=label).encode() + b"\n")
    os.kill(os.getpid(), signal.SIGKILL)


def wrapped(honest: Function, point: Point, label: str, number: int) -> Function:
    """``honest``, deadly at its ``number``-th call that counts."""
    left = number

    def reached(arguments: tuple[Any, ...], result: object) -> None:
        nonlocal left
        if point.counts(arguments, result):
            left -= 1
            if left == 0:
                die(label)

    @wraps(honest)
    async def later(*arguments: Any, **named: Any) -> Any:
        if not point.after:
            reached(arguments, None)
        result = await honest(*arguments, **named)
        if point.after:
            reached(arguments, result)
        return result

    @wraps(honest)
    def now(*arguments: Any, **named: Any) -> Any:
        if not point.after:
            reached(arguments, None)
        result = honest(*arguments, **named)
        if point.after:
            reached(arguments, result)
        return result

    return later if inspect.iscoroutinefunction(honest) else now


def place_of(at: str) -> tuple[Any, str]:
    """The object and the name that ``module:attribute`` means; raises where the product has no such thing any more."""
    module, _, path = at.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    getattr(owner, name)
    return owner, name


def arm(order: str) -> None:
    """Do as ``label[:n]`` says."""
    label, _, number = order.partition(":")
    point = POINTS[label]
    _hurry(point.needs)
    if point.at:
        owner, name = place_of(point.at)
        setattr(owner, name, wrapped(getattr(owner, name), point, label, int(number or 1)))


def _hurry(needs: str) -> None:
    """What is done by the clock, done often, so that it is reached while letters come."""
    from gateway.queue import sqlite
    from gateway.service import running

    if needs == "deferred":
        running.TELL = 0.2
    elif needs == "retention":
        running.TIDY = 0.3
    elif needs == "checkpoint":
        often = tuple(pragma.replace("checkpoint=4000", "checkpoint=40") for pragma in sqlite.WRITER)
        assert often != sqlite.WRITER
        sqlite.WRITER = often


def main() -> None:
    """`huitaine`, armed."""
    import cli

    if order := os.environ.get(CRASH_AT):
        arm(order)
    cli.main()


if __name__ == "__main__":
    main()
