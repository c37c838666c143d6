"""The clock's tables drawn from the journal alone, in memory: they say the same, or somebody changed them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import SQLModel

from gateway.delays import facts
from gateway.delays.clock import legal_day
from gateway.delays.tables import clock, movement, stay, timing
from gateway.identifiers import DeliveryId
from gateway.journal import Event
from gateway.moments import EPOCH, MICROSECOND
from gateway.queue import entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the journal gave."""

    connection: Connection
    since: date | None
    """The first day that is whole in the journal; ``None`` when all is. Of before it the words were erased."""


@contextmanager
def replayed(connection: Connection) -> Iterator[Replayed]:
    """Read the journal of ``connection`` and draw from it; the tables of ``connection`` are not looked at.

    Whether the journal itself was changed is `huitaine audit verify`'s question.
    """
    engine = create_engine("sqlite://", poolclass=StaticPool)
    SQLModel.metadata.create_all(engine, tables=[movement, stay, clock, timing])
    erased: list[datetime] = []
    try:
        with engine.begin() as fresh:
            facts.draw(fresh, _told(connection, erased))
            since = legal_day(max(erased)) + timedelta(days=1) if erased else None
            yield Replayed(connection=fresh, since=since)
    finally:
        engine.dispose()


def _told(connection: Connection, erased: list[datetime]) -> Iterator[Event]:
    for _seq, at, kind, _letter, delivery, _actor, code, words, *_ in entries.told(connection):
        if kind not in facts.KINDS:
            continue
        moment = EPOCH + at * MICROSECOND
        if delivery or words:
            yield Event(
                at=moment, kind=kind, delivery=DeliveryId(delivery) if delivery else None, code=code, words=words
            )
        else:
            erased.append(moment)
