"""What the clock remembers, without a patient's name: pseudonyms, codes and times in UTC microseconds.

Pseudonyms are made by the caller with a key that is not in the database (design.md, decision 17).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Table, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime kept as whole microseconds since 1970 UTC: sorts, subtracts and indexes on every engine."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds; a time without zone raises ``ValueError``, because guessing one moves a legal day."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The same moment, in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


def microseconds(at: datetime) -> int:
    """``at`` as the tables keep it; ``ValueError`` when it has no zone."""
    if at.tzinfo is None:
        raise ValueError("a time without zone cannot be kept")
    return (at - _EPOCH) // _MICROSECOND


class MovementRow(SQLModel, table=True):
    """One ADT message as it was heard (PAM.fr 2.11); never changed, ``fingerprint`` keeps a replay out."""

    __tablename__ = "movement"

    seq: int | None = Field(default=None, primary_key=True)
    fingerprint: str = Field(unique=True)
    stay_key: str | None = Field(default=None, index=True)
    prior_key: str | None = Field(default=None, index=True)
    source: str
    at: datetime = Field(sa_type=Instant)
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
    admitted_at: datetime | None = Field(default=None, sa_type=Instant)
    pv1_45: datetime | None = Field(default=None, sa_type=Instant)
    zbe_2: datetime | None = Field(default=None, sa_type=Instant)
    evn_6: datetime | None = Field(default=None, sa_type=Instant)
    evn_2: datetime | None = Field(default=None, sa_type=Instant)
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
    first_at: datetime = Field(sa_type=Instant)
    admitted_at: datetime | None = Field(default=None, sa_type=Instant)
    discharged_at: datetime | None = Field(default=None, sa_type=Instant)
    discharge_told_by: str | None = None
    pv1_45: datetime | None = Field(default=None, sa_type=Instant)
    zbe_2: datetime | None = Field(default=None, sa_type=Instant)
    evn_6: datetime | None = Field(default=None, sa_type=Instant)
    evn_2: datetime | None = Field(default=None, sa_type=Instant)
    conflict: bool = False
    cancelled: bool = False
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    apart: str | None = None
    opposed_at: datetime | None = Field(default=None, sa_type=Instant)
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
    admitted_at: datetime | None = Field(default=None, sa_type=Instant)
    discharged_at: datetime | None = Field(default=None, sa_type=Instant)
    validated_at: datetime | None = Field(default=None, sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    sealed_at: datetime | None = Field(default=None, sa_type=Instant)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    processed_at: datetime | None = Field(default=None, sa_type=Instant)
    displayed_at: datetime | None = Field(default=None, sa_type=Instant)
    integrated_at: datetime | None = Field(default=None, sa_type=Instant)
    failed_at: datetime | None = Field(default=None, sa_type=Instant)
    cancelled_at: datetime | None = Field(default=None, sa_type=Instant)
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
    discharged_at: datetime = Field(sa_type=Instant)
    discharged_day: int = Field(index=True)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
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
