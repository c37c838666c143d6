"""Moments in the database: microseconds since 1970 UTC in a BIGINT, aware UTC datetimes in Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """The system's clock; injected everywhere so that tests can stop it."""
    return datetime.now(UTC)


def microseconds(at: datetime) -> int:
    """``at`` as the tables keep it; ``ValueError`` when it has no zone, because guessing one moves a legal day."""
    if at.tzinfo is None:
        raise ValueError("a time without zone cannot be kept")
    return (at - EPOCH) // MICROSECOND


class Moment(TypeDecorator[datetime]):
    """Exact, sorts as a number, the same on SQLite and PostgreSQL; refuses naive datetimes."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an aware datetime into microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn microseconds into an aware datetime."""
        return None if value is None else EPOCH + value * MICROSECOND
