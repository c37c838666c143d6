"""Tables of what the hospital is told back: ids, codes and times, no name and no mailbox."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from gateway.moments import Moment


class AnswerWish(SQLModel, table=True):
    """A letter whose sender asked for business receipts (ACK_RECEPTION, ACK_LECTURE_MSS; CI-SIS, IG-TRANS)."""

    __tablename__ = "answer_wish"

    letter_id: str = Field(primary_key=True)
    reception: bool
    reading: bool


class Answer(SQLModel, table=True):
    """One thing that one channel of one source is told; sent in the order of ``seq``."""

    seq: int | None = Field(primary_key=True, default=None)
    id: str = Field(unique=True)
    source: str
    channel: str
    letter_id: str
    delivery_id: str
    control_id: str | None = None
    kind: str
    reporter: str
    status: str
    code: str
    happened_at: datetime = Field(sa_type=Moment)
    heard_at: datetime = Field(sa_type=Moment)
    state: str

    __table_args__ = (Index("answer_lane", "state", "source", "channel", "seq"), Index("answer_heard", "heard_at"))
