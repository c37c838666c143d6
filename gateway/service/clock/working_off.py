"""What persons do with their list: print, post, call, cancel; each with the name of whoever did it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from gateway import journal
from gateway.control import Order
from gateway.delays import facts
from gateway.delays.escalation import Step
from gateway.delays.posting import post
from gateway.delays.unproved import Clocks, over
from gateway.delays.worklist import OPEN, Task, TaskState, move, task_named
from gateway.errors import PermanentFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.journal import Event
from gateway.queue import entries
from gateway.queue.store import Store

ACTS = {"task-printed": TaskState.PRINTED, "task-done": TaskState.DONE, "task-cancelled": TaskState.CANCELLED}


class TaskRefused(PermanentFailure):
    """It is not so that it could be done; ``detail`` says why."""

    status, words = "5.5.0", "This piece of work is not open any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What somebody did. ``posted_on`` of paper that was posted."""

    task: str
    to: TaskState
    at: datetime
    actor: str
    clocks: Clocks
    posted_on: date | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of it: the line of the journal, and why not when it could not be."""

    event: Event | None
    refused: str = ""


async def work_off(store: Store, clocks: Clocks, order: Order, now: datetime) -> Order:
    """Obey an order about one task; raises TaskRefused. On return it is written, with the name in the journal."""
    day = order.get("posted")
    working = Working(
        task=str(order["task"]),
        to=ACTS[order["act"]],
        at=now,
        actor=str(order["actor"]),
        clocks=clocks,
        posted_on=date.fromisoformat(day) if day else None,
    )
    worked: Worked = await store.write(work, working)
    if worked.event is not None:
        journal.log(worked.event)
    if worked.refused:
        raise TaskRefused(worked.refused)
    return {}


def work(connection: Connection, jobs: Sequence[Working]) -> Sequence[Worked]:
    """The writer's verb: the state and the line that tells it in one transaction."""
    done = [_work(connection, job) for job in jobs]
    entries.append(connection, [each.event for each in done if each.event is not None])
    return done


def _work(connection: Connection, job: Working) -> Worked:
    task = task_named(connection, job.task)
    if task is None:
        return Worked(None, f"no task {job.task}")
    if job.to is TaskState.PRINTED and (why := over(connection, [task.letter], job.clocks).get(task.letter)):
        is_new = move(connection, task.id, [TaskState.WAITING], TaskState.CANCELLED, at=job.at, why=why.value)
        told = _told(job, task, TaskState.CANCELLED, why.value, actor="huitaine") if is_new else None
        return Worked(told, f"task {task.id} is not to be printed: {why.value}")
    to = TaskState.POSTED if job.to is TaskState.DONE and task.kind is Step.PAPER else job.to
    reason = "by-hand" if to is TaskState.CANCELLED else ""
    if not move(connection, task.id, _from(task, to), to, at=job.at, posted_on=job.posted_on, why=reason):
        return Worked(None, f"task {task.id} is {task.state.value}")
    if job.posted_on and post(connection, task.delivery, job.posted_on):
        entries.append(connection, [facts.posted(DeliveryId(task.delivery), job.posted_on, job.at)])
    words = job.posted_on.isoformat() if job.posted_on else task.kind.value
    return Worked(_told(job, task, to, words, actor=job.actor))


def _from(task: Task, to: TaskState) -> Sequence[TaskState]:
    """Paper is posted once it is printed, and printed again when the printer jammed; a call is made at once."""
    if to is TaskState.POSTED:
        return (TaskState.PRINTED,)
    if to is TaskState.PRINTED and task.kind is not Step.PAPER:
        return ()
    return OPEN


def _told(job: Working, task: Task, to: TaskState, words: str, *, actor: str) -> Event:
    return journal.tasked(job.at, LetterId(task.letter), task=task.id, state=to.value, words=words, actor=actor)
