"""What the clock remembers, without a patient's name: pseudonyms, codes and times in UTC microseconds.

Pseudonyms are made by the caller with a key that is not in the database (design.md, decision 17).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table
from sqlmodel import Field, SQLModel

from gateway.moments import Moment


class MovementRow(SQLModel, table=True):
    """One ADT message as it was heard (PAM.fr 2.11); never changed, ``fingerprint`` keeps a replay out."""

    __tablename__ = "movement"

    seq: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    stay_key: str | None = Field(default=None, index=True)
    prior_key: str | None = Field(default=None, index=True)
    source: str
    at: datetime = Field(sa_type=Moment)
    trigger: str
    original_trigger: str | None = None
    action: str | None = None
    reference: str | None = None
    visit_key: str | None = None
    file_key: str | None = None
    ins_key: str | None = None
    ipp_key: str | None = None
    traits_key: str | None = None
    hospital: str
    unit: str | None = None
    admitted_at: datetime | None = Field(default=None, sa_type=Moment)
    pv1_45: datetime | None = Field(default=None, sa_type=Moment)
    zbe_2: datetime | None = Field(default=None, sa_type=Moment)
    evn_6: datetime | None = Field(default=None, sa_type=Moment)
    evn_2: datetime | None = Field(default=None, sa_type=Moment)
    disposition: str | None = None
    exit_mode: str | None = None
    no_gp: bool = False
    gp_rpps: str | None = None
    referrer_rpps: str | None = None


class StayRow(SQLModel, table=True):
    """One stay as its movements leave it; ``details`` is sealed by the caller and never read here."""

    __tablename__ = "stay"

    key: str = Field(primary_key=True)
    visit_key: str | None = Field(default=None, index=True)
    file_key: str | None = Field(default=None, index=True)
    ins_key: str | None = Field(default=None, index=True)
    ipp_key: str | None = Field(default=None, index=True)
    traits_key: str | None = Field(default=None, index=True)
    hospital: str = Field(default="", index=True)
    unit: str | None = None
    first_at: datetime = Field(sa_type=Moment)
    admitted_at: datetime | None = Field(default=None, sa_type=Moment)
    discharged_at: datetime | None = Field(default=None, sa_type=Moment)
    discharge_told_by: str | None = None
    pv1_45: datetime | None = Field(default=None, sa_type=Moment)
    zbe_2: datetime | None = Field(default=None, sa_type=Moment)
    evn_6: datetime | None = Field(default=None, sa_type=Moment)
    evn_2: datetime | None = Field(default=None, sa_type=Moment)
    conflict: bool = False
    cancelled: bool = False
    undone_at: datetime | None = Field(default=None, sa_type=Moment)
    apart: str | None = None
    opposed_at: datetime | None = Field(default=None, sa_type=Moment)
    gp_rpps: str | None = None
    referrer_rpps: str | None = None
    details: bytes | None = Field(default=None, repr=False)


class ClockRow(SQLModel, table=True):
    """One letter on its way to one addressee: what it says of its stay, and when each leg was proved."""

    __tablename__ = "clock"

    delivery_id: str = Field(primary_key=True)
    letter_id: str = Field(index=True)
    group_key: str = Field(index=True)
    stay_key: str | None = None
    matched: str
    counts: bool
    kind: str | None = None
    role: str
    hospital: str
    unit: str | None = None
    visit_key: str | None = Field(default=None, index=True)
    file_key: str | None = Field(default=None, index=True)
    ins_key: str | None = Field(default=None, index=True)
    ipp_key: str | None = Field(default=None, index=True)
    traits_key: str | None = Field(default=None, index=True)
    admitted_at: datetime | None = Field(default=None, sa_type=Moment)
    discharged_at: datetime | None = Field(default=None, sa_type=Moment)
    validated_at: datetime | None = Field(default=None, sa_type=Moment)
    received_at: datetime = Field(sa_type=Moment)
    sealed_at: datetime | None = Field(default=None, sa_type=Moment)
    accepted_at: datetime | None = Field(default=None, sa_type=Moment)
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)
    processed_at: datetime | None = Field(default=None, sa_type=Moment)
    displayed_at: datetime | None = Field(default=None, sa_type=Moment)
    integrated_at: datetime | None = Field(default=None, sa_type=Moment)
    failed_at: datetime | None = Field(default=None, sa_type=Moment)
    cancelled_at: datetime | None = Field(default=None, sa_type=Moment)
    state: str = "none"


class TimingRow(SQLModel, table=True):
    """One discharged stay and the letter that answers for it: all that a report reads, narrow enough for a million.

    Days are numbers of the calendar of Europe/Paris (``date.toordinal``); ``taken`` (discharge to acceptance) and the
    legs are whole seconds, never below 0.
    """

    __tablename__ = "timing"

    key: str = Field(primary_key=True)
    letter_id: str | None = None
    hospital: str
    unit: str | None = None
    kind: str | None = None
    matched: str | None = None
    adt: bool
    conflict: bool = False
    apart: str | None = None
    discharged_at: datetime = Field(sa_type=Moment)
    discharged_day: int = Field(index=True)
    sent_at: datetime | None = Field(default=None, sa_type=Moment)
    sent_day: int | None = None
    taken: int | None = None
    discharge_to_written: int | None = None
    written_to_received: int | None = None
    received_to_sent: int | None = None
    sent_to_delivered: int | None = None
    delivered_to_read: int | None = None


movement: Table = SQLModel.metadata.tables["movement"]
stay: Table = SQLModel.metadata.tables["stay"]
clock: Table = SQLModel.metadata.tables["clock"]
timing: Table = SQLModel.metadata.tables["timing"]
