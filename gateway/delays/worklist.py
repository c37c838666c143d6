"""Steps that were taken, and the work list of persons: what is to be called about, printed, posted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, select, update

from gateway.delays.escalation import Step, Taken
from gateway.delays.escalation_tables import escalation, task
from gateway.delays.statements import insert_new


class TaskState(StrEnum):
    """How far a person's work is. ``posted`` proves a sending by post, and nothing electronic."""

    WAITING = "waiting"
    PRINTED = "printed"
    POSTED = "posted"
    DONE = "done"
    """Of a call: it was made."""
    CANCELLED = "cancelled"


OPEN = (TaskState.WAITING, TaskState.PRINTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line of the list."""

    id: str
    letter: str
    delivery: str
    kind: Step
    state: TaskState
    created_at: datetime
    printed_at: datetime | None = None
    ended_at: datetime | None = None
    posted_on: date | None = None
    why: str = ""


def taken_steps(connection: Connection, letters: Collection[str]) -> Mapping[str, dict[Step, Taken]]:
    """What was done for each of these letters."""
    found: defaultdict[str, dict[Step, Taken]] = defaultdict(dict)
    asked = sorted(letters)
    for first in range(0, len(asked), 500):
        mine = select(escalation).where(escalation.c.letter_id.in_(asked[first : first + 500]))
        for row in connection.execute(mine):
            found[row.letter_id][Step(row.step)] = Taken(at=row.at, effect=row.effect)
    return found


def take(connection: Connection, letter: str, step: Step, taken: Taken, code: str) -> bool:
    """Write that a step was taken; ``False`` when it was before, and then nothing of it may be done again."""
    row = {"letter_id": letter, "step": step.value, "at": taken.at, "effect": taken.effect, "code": code}
    return insert_new(connection, escalation, [row])


def give(connection: Connection, *, id: str, letter: str, delivery: str, kind: Step, at: datetime) -> None:  # noqa: A002
    """Put a piece of work on the list; one of a kind for each letter."""
    about = {"letter_id": letter, "delivery_id": delivery, "kind": kind.value}
    state = {"state": TaskState.WAITING.value, "created_at": at, "why": ""}
    insert_new(connection, task, [{"id": id, **about, **state}])


def tasks(connection: Connection, states: Sequence[TaskState] = OPEN) -> list[Task]:
    """The list, the oldest first."""
    wanted = select(task).where(task.c.state.in_([state.value for state in states]))
    return [_task(row) for row in connection.execute(wanted.order_by(task.c.created_at, task.c.id)).mappings()]


def task_named(connection: Connection, id: str) -> Task | None:  # noqa: A002 (what people call it)
    """One piece of work."""
    row = connection.execute(select(task).where(task.c.id == id)).mappings().one_or_none()
    return _task(row) if row else None


def move(
    connection: Connection, id: str, of: Sequence[TaskState], to: TaskState, *, at: datetime,  # noqa: A002
    posted_on: date | None = None, why: str = "",
) -> bool:  # fmt: skip
    """Take a piece of work from one of the states ``of`` to another; ``False`` when it is in none of them."""
    values: dict[str, object] = {"state": to.value, "why": why}
    if to is TaskState.PRINTED:
        values["printed_at"] = at
    else:
        values |= {"ended_at": at, "posted_on": posted_on}
    mine = update(task).where(task.c.id == id, task.c.state.in_([state.value for state in of]))
    return bool(connection.execute(mine.values(**values)).rowcount)


def _task(row: RowMapping) -> Task:
    return Task(
        id=row["id"],
        letter=row["letter_id"],
        delivery=row["delivery_id"],
        kind=Step(row["kind"]),
        state=TaskState(row["state"]),
        created_at=row["created_at"],
        printed_at=row["printed_at"],
        ended_at=row["ended_at"],
        posted_on=row["posted_on"],
        why=row["why"],
    )
