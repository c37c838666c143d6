"""What escalation remembers: ids, codes and times; no number of a doctor, no address, nothing of a letter's words."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.moments import Moment


class EscalationRow(SQLModel, table=True):
    """A step that was taken for a letter: one row for each, written with what it causes."""

    __tablename__ = "escalation"

    letter_id: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Moment)
    effect: bool
    """Whether there was anything to do."""
    code: str
    """What was done, or why nothing was."""


class TaskRow(SQLModel, table=True):
    """A person's work for a letter: to call, or to print and post."""

    __tablename__ = "task"

    id: str = Field(primary_key=True)
    """Ten signs, printed on the paper."""
    letter_id: str = Field(index=True)
    delivery_id: str
    """The delivery that it stands in for."""
    kind: str
    state: str = Field(index=True)
    created_at: datetime = Field(sa_type=Moment)
    printed_at: datetime | None = Field(default=None, sa_type=Moment)
    ended_at: datetime | None = Field(default=None, sa_type=Moment)
    posted_on: date | None = None
    why: str = ""
    """Why it was cancelled: a code, never a person's words."""

    __table_args__ = (UniqueConstraint("letter_id", "kind", name="task_once"),)


class AlertRow(SQLModel, table=True):
    """A problem that is open, by its cause: told once when it opened, and once when it is over."""

    __tablename__ = "alert"

    cause: str = Field(primary_key=True)
    opened_at: datetime = Field(sa_type=Moment)
    letters: int


escalation: Table = SQLModel.metadata.tables["escalation"]
task: Table = SQLModel.metadata.tables["task"]
alert: Table = SQLModel.metadata.tables["alert"]
