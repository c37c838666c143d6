"""Writer's verbs of leases: claim, renew, tell how far a hand-over is, take back what a dead process held.

A lease is the right to work on one delivery until a moment of the database's clock. ``epoch`` grows with each lease and
stands in the condition of every update, so that whoever lost it changes nothing (promises.md C2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)

from gateway import journal
from gateway.errors import TransientFailure
from gateway.identifiers import DeliveryId, LetterId
from gateway.journal import Event
from gateway.moments import EPOCH, MICROSECOND
from gateway.prepared import Prepared
from gateway.queue import entries
from gateway.queue.accept import DELIVERY, NODE
from gateway.queue.dialects import database_now, upsert
from gateway.queue.holding import IN_FORCE

BEGUN, DOT, TRIAL = "connect", "dot", "trial"
"""What is on disk of an attempt's phases: not at the final dot yet; at the dot or behind it; tried without sending."""
UNKNOWN = ""
"""The phase of a lease whose attempt does not write its dot down: it may have left at any time."""
DEADLY = 2
"""A delivery in whose hands so many processes died is first tried alone, without being sent (promises.md F10)."""


class LeaseLost(TransientFailure):
    """Somebody else works on this delivery by now: ours must not go on."""

    status, words = "4.3.0", "Internal conflict, try again later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on one delivery; ``epoch`` fences out whoever had it before."""

    delivery: DeliveryId
    letter: LetterId
    epoch: int
    attempts: int
    ambiguous: int
    created_at: datetime
    target: bytes = field(repr=False)
    reason: str = ""
    route: str = ""
    proof: int = 0
    """What was proved of it before: what may have left and has arrived is not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a process takes leases: who it is, how long they last, whether it writes each dot down first."""

    node: str
    lasting: timedelta = timedelta(seconds=120)
    record_dot: bool = True

    @property
    def phase(self) -> str:
        """What a fresh lease says of itself."""
        return BEGUN if self.record_dot else UNKNOWN

    @property
    def microseconds(self) -> int:
        """How long a lease lasts."""
        return self.lasting // MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Claiming:
    """Ask for deliveries to ``route`` that are due at ``now``, the longest waiting first."""

    terms: Terms
    now: datetime
    route: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimingOld:
    """Ask for deliveries to ``route`` that wait since before ``before``: their time is over."""

    terms: Terms
    before: datetime
    route: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimingOne:
    """Ask for one delivery by name, for a trial."""

    terms: Terms
    delivery: DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewing:
    """Make these leases last as long again, and say that the process lives."""

    terms: Terms
    version: str
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovering:
    """Take back leases that nobody holds any more: those that ran out, or with ``everything`` all of them.

    ``again`` is the wait before a delivery that may have left already is sent once more, by its number of attempts.
    """

    now: datetime
    again: Callable[[int], timedelta]
    everything: bool = False
    clean: bool = False
    """Their own holder gives them back at its end: nobody died of them, so none counts as a strike (F6)."""


_READY = DELIVERY.c.state == literal_column("'ready'")
_DUE = and_(_READY, ~IN_FORCE)
"""Nothing is claimed while the queue is on hold."""
_LEASED = DELIVERY.c.state == literal_column("'leased'")
_MINE = (DELIVERY.c.id == bindparam("delivery"), DELIVERY.c.epoch == bindparam("held"), _LEASED)
_UNTIL = database_now() + bindparam("lasting", type_=BigInteger)
_RENEW = Prepared(update(DELIVERY).where(*_MINE).values(lease_until=_UNTIL))
_AT_DOT = Prepared(update(DELIVERY).where(*_MINE).values(phase=DOT))
_NEWLY = {
    "state": "leased",
    "node": bindparam("node"),
    "lease_until": _UNTIL,
    "phase": bindparam("phase"),
    "epoch": DELIVERY.c.epoch + 1,
}
_TOLD = [DELIVERY.c[name] for name in ("id", "letter_id", "epoch", "attempts", "ambiguous", "created_at", "addressee")]
_TOLD += [DELIVERY.c[name] for name in ("reason", "route", "proof")]


def _taking(wanted: Select[Any]) -> Prepared:
    """Leases what is wanted, as far as the limit goes and nobody else has it."""
    some = wanted.limit(bindparam("limit", type_=Integer)).with_for_update(skip_locked=True)
    return Prepared(update(DELIVERY).where(DELIVERY.c.id.in_(some)).values(**_NEWLY).returning(*_TOLD))


_READY_ONES, _TO = select(DELIVERY.c.id).where(_DUE), DELIVERY.c.route == bindparam("route")
_CLAIM = _taking(
    _READY_ONES.where(DELIVERY.c.strikes < DEADLY, _TO, DELIVERY.c.next_at <= bindparam("now")).order_by(
        DELIVERY.c.next_at
    )
)
_CLAIM_OLD = _taking(
    _READY_ONES.where(_TO, DELIVERY.c.created_at <= bindparam("before")).order_by(DELIVERY.c.created_at)
)
_CLAIM_ONE = _taking(_READY_ONES.where(DELIVERY.c.id == bindparam("delivery")))
_TAKEN_BACK = (
    update(DELIVERY)
    .where(*_MINE)
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        next_at=bindparam("again"),
        attempts=DELIVERY.c.attempts + bindparam("unsure"),
        ambiguous=DELIVERY.c.ambiguous + bindparam("unsure"),
        strikes=DELIVERY.c.strikes + bindparam("struck"),
        held_at=bindparam("since"),
        epoch=DELIVERY.c.epoch + 1,
        phase="",
        lease_until=None,
    )
)


def claim(connection: Connection, jobs: Sequence[Claiming]) -> Sequence[list[Lease]]:
    """Lease what is due, oldest first, each row to one caller only; what killed processes is left to its trial."""
    return [_take(connection, _CLAIM, job.terms, route=job.route, now=job.now, limit=job.limit) for job in jobs]


def claim_old(connection: Connection, jobs: Sequence[ClaimingOld]) -> Sequence[list[Lease]]:
    """Lease what nobody could even try in all its time: its destination rested, or its turn did not come."""
    return [
        _take(connection, _CLAIM_OLD, job.terms, route=job.route, before=job.before, limit=job.limit) for job in jobs
    ]


def claim_one(connection: Connection, jobs: Sequence[ClaimingOne]) -> Sequence[list[Lease]]:
    """Lease one delivery for a trial: if this process dies of it, the next one knows of what."""
    return [_take(connection, _CLAIM_ONE, job.terms, delivery=job.delivery, limit=1, phase=TRIAL) for job in jobs]


def renew(connection: Connection, jobs: Sequence[Renewing]) -> Sequence[None]:
    """Make leases last, except those that were lost meanwhile; and say that the process lives."""
    rows = [_held(lease) | {"lasting": job.terms.microseconds} for job in jobs for lease in job.leases]
    _RENEW.many(connection, rows)
    now = EPOCH + connection.execute(select(database_now())).scalar_one() * MICROSECOND
    beats = {job.terms.node: {"id": job.terms.node, "version": job.version, "beat": now} for job in jobs}
    upsert(connection, NODE, ("id",), ("version", "beat"), list(beats.values()))
    return [None] * len(jobs)


def reach_dot(connection: Connection, jobs: Sequence[Lease]) -> Sequence[bool]:
    """Write down that the final dot is about to be sent; ``False`` for a lease that was lost: then it must not be."""
    return [changed == 1 for changed in _AT_DOT.each(connection, [_held(lease) for lease in jobs])]


def recover(connection: Connection, jobs: Sequence[Recovering]) -> Sequence[int]:
    """Take back what nobody works on; gives how many.

    What had not come to the dot is due at once. What had, or may have, is ambiguous: the next hop may hold it, so it
    waits as after any failed attempt and is sent again, with the same Message-ID.
    """
    total = 0
    for job in jobs:
        over = select(DELIVERY).where(_LEASED).with_for_update(skip_locked=True)
        if not job.everything:
            over = over.where(or_(DELIVERY.c.lease_until.is_(None), DELIVERY.c.lease_until < database_now()))
        rows = connection.execute(over).all()
        if rows:
            connection.execute(_TAKEN_BACK, [_taken_back(row, job) for row in rows])
            entries.append(connection, [_why(row, job) for row in rows])
        total += len(rows)
    return [total] * len(jobs)


def _take(connection: Connection, statement: Prepared, terms: Terms, **values: Any) -> list[Lease]:  # noqa: ANN401 (column values)
    lease = {"node": terms.node, "phase": terms.phase, "lasting": terms.microseconds}
    return [leased(row) for row in statement.rows(connection, **(lease | values))]


def _held(lease: Lease) -> dict[str, Any]:
    return {"delivery": lease.delivery, "held": lease.epoch}


def _taken_back(row: Row[Any], job: Recovering) -> dict[str, Any]:
    common = {"delivery": row.id, "held": row.epoch, "why": row.reason, "since": row.held_at, "struck": 0, "unsure": 0}
    match row.phase:
        case "trial":
            return common | {"to": "held", "again": None, "why": "worker-broken", "since": job.now}
        case "dot" | "":
            return common | {"to": "ready", "again": job.now + job.again(row.attempts + 1), "unsure": 1}
        case _:
            return common | {"to": "ready", "again": job.now, "struck": int(job.everything and not job.clean)}


def _why(row: Row[Any], job: Recovering) -> Event:
    code = "stop" if job.clean else "restart" if job.everything else "lease-over"
    match row.phase:
        case "trial":
            return journal.held(
                job.now, row.letter_id, row.id, code="worker-broken", words="each try ended the process"
            )
        case "dot" | "":
            return journal.ambiguous(job.now, row.letter_id, row.id, code=code)
        case phase:
            return journal.freed(job.now, row.letter_id, row.id, code=code, phase=phase)


def leased(row: dict[str, Any]) -> Lease:
    """The lease that a row of the delivery table stands for."""
    return Lease(
        delivery=DeliveryId(row["id"]),
        letter=LetterId(row["letter_id"]),
        epoch=row["epoch"],
        attempts=row["attempts"],
        ambiguous=row["ambiguous"],
        created_at=row["created_at"],
        target=row["addressee"],
        reason=row["reason"],
        route=row["route"],
        proof=row["proof"],
    )
