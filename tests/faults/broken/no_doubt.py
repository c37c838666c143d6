"""A gateway that breaks promise B2 on purpose: it does not write down that a letter may have left. Control of B2."""

from __future__ import annotations

from dataclasses import replace

import cli
from gateway import journal
from gateway.journal import Event

_honest = journal.ambiguous


def ambiguous(*arguments: object, **named: object) -> Event:
    """The same event under a name that says nothing."""
    return replace(_honest(*arguments, **named), kind="deferred")  # type: ignore[arg-type]


if __name__ == "__main__":
    journal.ambiguous = ambiguous
    cli.main()
