"""Writer's verbs of escalation: a step and what it causes in one transaction, and what each round finds changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from gateway import journal
from gateway.delays import facts
from gateway.delays.escalation import Step, Taken
from gateway.delays.escalation_tables import alert
from gateway.delays.statements import insert_new
from gateway.delays.tables import clock
from gateway.delays.unproved import Clocks, Over, Unproved, over, same_again
from gateway.delays.worklist import TaskState, give, move, take, tasks
from gateway.identifiers import LetterId
from gateway.journal import Event
from gateway.queue import entries
from gateway.queue.accept import DELIVERY
from gateway.queue.another import Another, add, remember, tell_again

_TASKS = (Step.PHONE, Step.PAPER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """A step that was decided. ``code`` says what it does, or why there is nothing to do (``effect`` false)."""

    step: Step
    letter: Unproved
    at: datetime
    clocks: Clocks
    code: str
    effect: bool = True
    another: Another | None = None
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minding:
    """Letters that wait; those of them about which something was done or is due are ``trouble``."""

    now: datetime
    waiting: tuple[Unproved, ...]
    trouble: tuple[Unproved, ...]
    clocks: Clocks
    keep: timedelta
    """How long the bytes of a letter stay behind its last round."""


def take_steps(connection: Connection, jobs: Sequence[Taking]) -> Sequence[tuple[Event, ...]]:
    """Take each step unless it was taken, or a proof came meanwhile; gives what is to be journaled of it."""
    return [_taken(connection, job) for job in jobs]


def mind(connection: Connection, jobs: Sequence[Minding]) -> Sequence[tuple[Event, ...]]:
    """Keep what may still be needed, take off the list what is not, open and close alerts; gives what was told."""
    return [_minded(connection, job) for job in jobs]


def _taken(connection: Connection, job: Taking) -> tuple[Event, ...]:
    letter = job.letter
    if over(connection, [letter.letter], job.clocks):
        return ()
    if not take(connection, letter.letter, job.step, Taken(at=job.at, effect=job.effect), job.code):
        return ()
    events = [journal.escalated(job.at, LetterId(letter.letter), _about(job), step=job.step.value, code=job.code)]
    if job.another is not None:
        events += _sent_to(connection, job, job.another)
    elif job.effect and job.step is Step.REMIND:
        tell_again(connection, letter.deliveries)
    elif job.effect and job.step in _TASKS:
        named = {"id": job.task, "letter": letter.letter, "delivery": letter.delivery}
        give(connection, **named, kind=job.step, at=job.at)
        events.append(journal.tasked(job.at, LetterId(letter.letter), task=job.task, state="waiting", words=job.step))
    entries.append(connection, events)
    return tuple(events)


def _about(job: Taking) -> str:
    return job.another.id if job.another else job.letter.delivery


def _sent_to(connection: Connection, job: Taking, another: Another) -> list[Event]:
    """The delivery and its clock; a proof of it is as good as one of the first."""
    row = same_again(connection, job.letter.delivery, another.id)
    if row is None or not add(connection, another):
        return [journal.escalated(job.at, another.letter, another.id, step=job.step.value, code="erased")]
    insert_new(connection, clock, [row])
    return [facts.letter_timed([row], job.at)]


def _minded(connection: Connection, job: Minding) -> tuple[Event, ...]:
    remember(connection, [one.letter for one in job.waiting], until=job.now + job.keep, at_least=job.now + job.keep / 2)
    events = [*_relieved(connection, job), *_alerts(connection, job)]
    entries.append(connection, events)
    return tuple(events)


def _relieved(connection: Connection, job: Minding) -> list[Event]:
    """Nobody prints or calls about what is proved, cancelled or opposed; what is printed already is a person's."""
    waiting, events = tasks(connection, [TaskState.WAITING]), []
    ended: Mapping[str, Over] = over(connection, {task.letter for task in waiting}, job.clocks)
    for task in waiting:
        why = ended.get(task.letter)
        if why and move(connection, task.id, [TaskState.WAITING], TaskState.CANCELLED, at=job.now, why=why.value):
            event = journal.tasked(job.now, LetterId(task.letter), task=task.id, state="cancelled", words=why.value)
            events.append(event)
    return events


def _alerts(connection: Connection, job: Minding) -> list[Event]:
    """One for each cause, however many letters wait for it and however often this process starts."""
    now = Counter(_causes(connection, [one.delivery for one in job.trouble]))
    before = {row.cause: row.letters for row in connection.execute(select(alert))}
    events: list[Event] = []
    for cause in now.keys() - before.keys():
        connection.execute(insert(alert).values(cause=cause, opened_at=job.now, letters=now[cause]))
        events.append(journal.alerted(job.now, cause=cause, letters=now[cause], is_over=False))
    for cause in before.keys() - now.keys():
        connection.execute(delete(alert).where(alert.c.cause == cause))
        events.append(journal.alerted(job.now, cause=cause, letters=before[cause], is_over=True))
    return sorted(events, key=lambda event: event.code)


def _causes(connection: Connection, deliveries: Sequence[str]) -> list[str]:
    found: list[str] = []
    for first in range(0, len(deliveries), 500):
        mine = DELIVERY.c.id.in_(deliveries[first : first + 500])
        names = (DELIVERY.c.state, DELIVERY.c.reason, DELIVERY.c.status, DELIVERY.c.route)
        found += [cause(*row) for row in connection.execute(select(*names).where(mine))]
    return found


def cause(state: str, reason: str, status: str, route: str) -> str:
    """What a letter waits for, in codes: letters that wait for the same thing give the same."""
    kind = ".".join(status.split(".")[:2])  # 4.4: the way there, whether refused, silent or resting
    match state:
        case "held":
            return f"held {reason}"
        case "ready" | "leased":
            return f"waiting {kind or '-'} {route}".rstrip()
        case "done":
            return f"unconfirmed {route}".rstrip()
    return f"{state} {kind or '-'} {route}".rstrip()
