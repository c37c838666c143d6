"""Writer's verbs of stations 4 and 7: a row per addressee, and how each attempt ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, exists, func, insert, or_, select, update

from gateway import journal
from gateway.identifiers import LetterId
from gateway.journal import Event
from gateway.letter import DeliveryState, Done, GiveUp, Outcome, Proof, RetryAt
from gateway.moments import Moment
from gateway.prepared import Prepared
from gateway.queue import entries
from gateway.queue.accept import DELIVERY, LETTER
from gateway.queue.dialects import database_now
from gateway.queue.leases import Lease


@dataclass(frozen=True, slots=True)
class Also:
    """Something another station writes in the same transaction: ``write`` gets all of a group at once."""

    write: Callable[[Connection, Sequence[Any]], Sequence[Any]]
    what: Any = field(repr=False)


def write_also(connection: Connection, things: Sequence[Also]) -> list[Any]:
    """Let each station write its own, in one call for each kind; gives what came back, in the order asked."""
    kinds: dict[Any, list[int]] = {}
    for place, thing in enumerate(things):
        kinds.setdefault(thing.write, []).append(place)
    given: list[Any] = [None] * len(things)
    for write, places in kinds.items():
        for place, answer in zip(places, write(connection, [things[n].what for n in places]), strict=True):
            given[place] = answer
    return given


OPEN = ("ready", "leased", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """A read and addressed letter: its rows, and what is said of it."""

    whole: LetterId
    parts: list[dict[str, Any]] = field(repr=False)
    """Rows of the patients' letters when the file held several; empty when the letter is its own only part."""
    update: dict[str, Any] = field(repr=False)
    """What reading told of a letter that is its own only part: see :func:`read_values`."""
    deliveries: list[dict[str, Any]] = field(repr=False)
    events: list[Event]
    also: tuple[Also, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The rows are written; ``answers`` is what others gave back, in the order asked."""

    answers: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishing:
    """How one attempt ended, with what was tried."""

    lease: Lease
    outcome: Outcome | Waiting | PutBack
    protection: str = ""
    route: str = ""
    sealed_at: datetime | None = None
    target: bytes | None = field(repr=False, default=None)
    events: tuple[Event, ...] = ()
    erase_after: datetime | None = None
    also: tuple[Also, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The addressee cannot be written to at the moment (``since`` now, or longer); asked again at ``at``."""

    at: datetime
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Nothing was tried: due again at ``at``, and no attempt is counted."""

    at: datetime
    status: str = ""
    reason: str = ""


_SINCE = bindparam("since", type_=Moment)
_LASTING = database_now() + bindparam("lasting", type_=BigInteger)
"""NULL where there is no lease."""
_LATER = {"lease_until", "strikes", "reminded_at", "code", "sealed_at", "accepted_at", "final_at"}
_INSERT_DELIVERY = Prepared(
    insert(DELIVERY).values(lease_until=_LASTING), *(column.key for column in DELIVERY.c if column.key not in _LATER)
)
_INSERT_LETTER = Prepared(insert(LETTER), *(column.key for column in LETTER.c if column.key != "strikes"))
_UNPLANNED = Prepared(
    select(LETTER.c.id)
    .where(LETTER.c.id.in_(bindparam("wholes", expanding=True)), LETTER.c.planned.is_(False))
    .with_for_update()
)
_LEASED = Prepared(
    select(DELIVERY.c.id, DELIVERY.c.epoch, DELIVERY.c.proof)
    .where(DELIVERY.c.id.in_(bindparam("deliveries", expanding=True)), DELIVERY.c.state == "leased")
    .with_for_update()
)
_FINISH = Prepared(
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("delivery"), DELIVERY.c.epoch == bindparam("held"), DELIVERY.c.state == "leased")
    .values(
        state=bindparam("to"),
        reason=bindparam("why"),
        status=bindparam("said"),
        code=bindparam("reply"),
        next_at=bindparam("again"),
        final_at=bindparam("final"),
        accepted_at=bindparam("accepted"),
        proof=case((DELIVERY.c.proof < bindparam("proved"), bindparam("proved")), else_=DELIVERY.c.proof),
        dsn_offered=bindparam("dsn"),
        protection=bindparam("by"),
        route=bindparam("via"),
        sealed_at=bindparam("sealed"),
        attempts=DELIVERY.c.attempts + bindparam("tried"),
        ambiguous=DELIVERY.c.ambiguous + bindparam("unsure"),
        lease_until=None,
        phase="",
        strikes=0,
        held_at=case((_SINCE.is_not(None), func.coalesce(DELIVERY.c.held_at, _SINCE))),
        reported=case(
            (and_(bindparam("to") == "done", ~DELIVERY.c.notify.contains("SUCCESS")), "nothing"),
            else_=DELIVERY.c.reported,
        ),
    )
)
_RETARGET = Prepared(
    update(DELIVERY).where(DELIVERY.c.id == bindparam("delivery")).values(addressee=bindparam("target"))
)
_READ_FIELDS = ("state", "reason", "loinc", "unit", "control_id", "discharged_at", "sealed")
_PLANNED = Prepared(
    update(LETTER)
    .where(LETTER.c.id == bindparam("letter"))
    .values(planned=True, **{name: bindparam(f"new_{name}") for name in _READ_FIELDS})
)
_SPLIT = Prepared(
    update(LETTER).where(LETTER.c.id == bindparam("whole_id")).values(planned=True, state="final", reason="split")
)
_CLOSE = Prepared(
    update(LETTER)
    .where(
        LETTER.c.id == bindparam("letter"),
        LETTER.c.state == "open",
        ~exists().where(
            DELIVERY.c.letter_id == bindparam("letter"), or_(*(DELIVERY.c.state == state for state in OPEN))
        ),
    )
    .values(state="final", final_at=bindparam("at"), erase_after=bindparam("erase"))
)


def plan(connection: Connection, jobs: Sequence[Planning]) -> Sequence[Planned | None]:
    """Give every addressee his row; ``None`` for a letter that was withdrawn or planned already."""
    waiting = {row["id"] for row in _UNPLANNED.rows(connection, wholes=[job.whole for job in jobs])}
    mine = [job for job in jobs if job.whole in waiting]
    for job in mine:
        waiting.discard(job.whole)
    for statement, rows in (
        (_PLANNED, [job.update for job in mine if not job.parts]),
        (_SPLIT, [{"whole_id": job.whole} for job in mine if job.parts]),
        (_INSERT_LETTER, [row for job in mine for row in job.parts]),
        (_INSERT_DELIVERY, [row for job in mine for row in job.deliveries]),
    ):
        statement.many(connection, rows)
    entries.append(connection, [event for job in mine for event in job.events])
    answers = iter(write_also(connection, [also for job in mine for also in job.also]))
    return [Planned(answers=tuple(next(answers) for _ in job.also)) if job in mine else None for job in jobs]


def finish(connection: Connection, jobs: Sequence[Finishing]) -> Sequence[bool]:
    """Write how attempts ended; ``False`` where something else counts: what changed is in the journal alone.

    Where the lease was lost nothing is changed. What a receipt proved to have arrived meanwhile is done: a failure of
    the attempt, or its silence, does not overrule that.
    """
    rows_now = _LEASED.rows(connection, deliveries=[job.lease.delivery for job in jobs])
    leased_now = {row["id"]: row for row in rows_now}
    found = [leased_now.get(job.lease.delivery) for job in jobs]
    mine = [row is not None and row["epoch"] == job.lease.epoch for job, row in zip(jobs, found, strict=True)]
    believed = [_believed(job, row["proof"] if row else 0) for job, row in zip(jobs, found, strict=True)]
    done = [job for job, ours in zip(believed, mine, strict=True) if ours]
    targets = [{"delivery": job.lease.delivery, "target": job.target} for job in done if job.target is not None]
    closing = [_closing(job) for job in done if isinstance(job.outcome, Done | GiveUp)]
    for statement, rows in ((_FINISH, [_ending(job) for job in done]), (_RETARGET, targets), (_CLOSE, closing)):
        statement.many(connection, rows)
    write_also(connection, [also for job in done for also in job.also])
    lost = _taken_over(connection, [job for job, ours in zip(jobs, mine, strict=True) if not ours])
    entries.append(connection, [event for job in done for event in job.events] + lost)
    return [ours and job is asked for ours, job, asked in zip(mine, believed, jobs, strict=True)]


def _believed(job: Finishing, proof: int) -> Finishing:
    """As it ended, unless it is proved to have arrived all the same."""
    if proof < Proof.DELIVERED or not isinstance(job.outcome, RetryAt | GiveUp):
        return job
    lease, at = job.lease, next((event.at for event in job.events), job.outcome.at)
    unsure = tuple(event for event in job.events if event.kind == "ambiguous")
    event = journal.proved(at, lease.letter, lease.delivery, receipt=f"attempt {job.outcome.status}", effect="arrived")
    return replace(job, outcome=Done(at=at), events=(*unsure, event), also=())


def read_values(row: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a letter's update out of its row."""
    return {"letter": row["id"], **{f"new_{name}": row[name] for name in _READ_FIELDS}}


def _ending(job: Finishing) -> dict[str, Any]:
    common = {
        "delivery": job.lease.delivery,
        "held": job.lease.epoch,
        "by": job.protection,
        "via": job.route or job.lease.route,
        "sealed": job.sealed_at,
        "again": None,
        "final": None,
        "accepted": None,
        "proved": 0,
        "dsn": False,
        "tried": 1,
        "unsure": 0,
        "reply": None,
        "said": "",
        "why": "",
        "since": None,
    }
    match job.outcome:
        case Done(at=at, code=code, status=status, dsn_offered=dsn):
            ended = {"to": "done", "final": at, "accepted": at, "proved": 1, "dsn": dsn, "reply": code, "said": status}
        case RetryAt(at=at, status=status, reason=why, code=code, ambiguous=unsure):
            ended = {"to": "ready", "again": at, "said": status, "why": why, "reply": code, "unsure": int(unsure)}
        case GiveUp(at=at, status=status, reason=why, code=code, expired=expired, ambiguous=unsure):
            state = DeliveryState.EXPIRED if expired else DeliveryState.FAILED
            ended = {"to": state.value, "final": at, "said": status, "why": why, "reply": code, "unsure": int(unsure)}
        case Waiting(at=at, reason=why, since=since):
            ended = {"to": "held", "again": at, "why": why, "tried": 0, "since": since}
        case PutBack(at=at, status=status, reason=why):
            ended = {"to": "ready", "again": at, "said": status, "why": why, "tried": 0}
    return common | ended


def _closing(job: Finishing) -> dict[str, Any]:
    assert isinstance(job.outcome, Done | GiveUp)  # noqa: S101 (narrowed by the caller)
    return {"letter": job.lease.letter, "at": job.outcome.at, "erase": job.erase_after}


def _taken_over(connection: Connection, lost: Sequence[Finishing]) -> list[Event]:
    """Of leases that are gone those that another process took; what was held meanwhile was stopped on purpose."""
    if not lost:
        return []
    stopped = select(DELIVERY.c.id).where(DELIVERY.c.id.in_([job.lease.delivery for job in lost]))
    held = set(connection.execute(stopped.where(DELIVERY.c.state == "held")).scalars())
    return [_lost(job) for job in lost if job.lease.delivery not in held]


def _lost(job: Finishing) -> Event:
    lease = job.lease
    at = next((event.at for event in job.events), lease.created_at)
    return journal.lease_lost(at, lease.letter, lease.delivery, epoch=lease.epoch)
