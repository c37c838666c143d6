"""A gateway that remembers its steps in memory alone: after each start it takes them again. Control of ESC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from gateway.delays.escalation import Step, Taken
from gateway.service.clock import escalated, escalating
from tests.faults import steps_entry

_taken: defaultdict[str, dict[Step, Taken]] = defaultdict(dict)


def take(_connection: Connection, letter: str, step: Step, taken: Taken, _code: str) -> bool:
    """Take it once in this life."""
    if step in _taken[letter]:
        return False
    _taken[letter][step] = taken
    return True


def taken_steps(_connection: Connection, letters: Collection[str]) -> Mapping[str, dict[Step, Taken]]:
    """What was done in this life."""
    return {letter: dict(_taken[letter]) for letter in letters}


if __name__ == "__main__":
    escalated.take = take
    escalating.taken_steps = taken_steps
    steps_entry.main()
