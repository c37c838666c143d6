"""Writer's verbs after a letter left: proofs, what people decide, what the sender was told, and erasure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, delete, exists, func, literal, literal_column, or_, select, update

from gateway import journal
from gateway.identifiers import DeliveryId, LetterId, whole_of
from gateway.journal import Event
from gateway.letter import DeliveryState, Proof
from gateway.queue import entries
from gateway.queue.accept import CHUNK, DELIVERY, LETTER, REPLAY
from gateway.queue.deliveries import OPEN, Also, write_also
from gateway.queue.leases import Lease

AT_ONCE = 200
"""Rows in one transaction of the tidying: doors wait behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """What a matched receipt changes: a higher proof, or a bounce after the next hop had said yes."""

    delivery: DeliveryId
    proof: Proof = Proof.NONE
    bounced: bool = False
    epoch: int | None = None
    """The attempt that came back, where it is known: one that began meanwhile has not."""
    status: str = ""
    event: Event
    erase_after: datetime | None = None
    """When a letter that came back is erased: a person must have the time to send it again."""
    also: tuple[Also, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """A named person releases, cancels or resends all deliveries of a letter in one of the states ``of``."""

    letter: LetterId
    of: tuple[DeliveryState, ...]
    to: DeliveryState
    event: Event
    erase_after: datetime | None = None
    each: Callable[[DeliveryId], Also] | None = None
    """What the clock writes for each delivery that is touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The sender was told ``what`` about these deliveries."""

    deliveries: tuple[DeliveryId, ...]
    what: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """Events, and what another station writes with them."""

    events: tuple[Event, ...] = ()
    also: tuple[Also, ...] = field(repr=False, default=())
    closes: LetterId | None = None
    """A letter with nobody to be delivered to (an ADT message) that ends here."""
    erase_after: datetime | None = None
    """When what that letter holds is destroyed: a movement names a patient like any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAgain:
    """A letter that could not be read when it came, can be now: its recipients' rows make place for its addressees'."""

    lease: Lease
    event: Event
    leg: Callable[[DeliveryId], Also]
    """What the clock writes for a row that goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """Deliveries held for ``after``, and not brought back to mind for as long."""

    now: datetime
    after: timedelta


def prove(connection: Connection, jobs: Sequence[Proving]) -> Sequence[None]:
    """Raise proofs, never lower them; a bounce counts only while nothing better than ``accepted`` is proved.

    What may have left already and is proved to have arrived is not sent a second time: it is done.
    """
    for job in jobs:
        here = DELIVERY.c.id == job.delivery
        if job.proof:
            higher = case((DELIVERY.c.proof < int(job.proof), int(job.proof)), else_=DELIVERY.c.proof)
            connection.execute(update(DELIVERY).where(here).values(proof=higher))
        if job.proof >= Proof.DELIVERED:
            _arrived(connection, job)
        if job.bounced:
            undelivered = [DELIVERY.c.state == "done", DELIVERY.c.proof <= int(Proof.ACCEPTED)]
            undelivered += [] if job.epoch is None else [DELIVERY.c.epoch == job.epoch]
            failed = {
                "state": "failed",
                "status": job.status,
                "reason": "returned by a later mail server",
                "reported": "",
            }
            returned_now = connection.execute(update(DELIVERY).where(here, *undelivered).values(**failed)).rowcount
            if returned_now and job.erase_after:
                returned = LETTER.c.id.in_(select(DELIVERY.c.letter_id).where(here))
                there_still = (LETTER.c.state == "final", LETTER.c.erase_after < job.erase_after)
                later = update(LETTER).where(returned, *there_still).values(erase_after=job.erase_after)
                connection.execute(later)
    write_also(connection, [also for job in jobs for also in job.also])
    entries.append(connection, [job.event for job in jobs])
    return [None] * len(jobs)


def expect_no_more(connection: Connection, deliveries: Sequence[DeliveryId]) -> Sequence[None]:
    """The next hop passed these on to who reports no success: as if it had offered none itself (RFC 3461 §5.2.2)."""
    connection.execute(update(DELIVERY).where(DELIVERY.c.id.in_(deliveries)).values(dsn_offered=False))
    return [None] * len(deliveries)


def _arrived(connection: Connection, job: Proving) -> None:
    mine, at = DELIVERY.c, job.event.at
    unsure = (mine.id == job.delivery, mine.state.in_(("ready", "held")), mine.ambiguous > 0)
    told = case((mine.notify.contains("SUCCESS"), mine.reported), else_="nothing")
    over = {"state": "done", "final_at": at, "next_at": None, "held_at": None, "reason": "", "reported": told}
    accepted = func.coalesce(mine.accepted_at, literal(at, mine.accepted_at.type))
    if connection.execute(update(DELIVERY).where(*unsure).values(accepted_at=accepted, **over)).rowcount:
        left = exists().where(mine.letter_id == LETTER.c.id, mine.state.in_(OPEN))
        its = LETTER.c.id.in_(select(mine.letter_id).where(mine.id == job.delivery))
        closed = {"state": "final", "final_at": at, "erase_after": job.erase_after}
        connection.execute(update(LETTER).where(its, ~left).values(**closed))


def act(connection: Connection, jobs: Sequence[Acting]) -> Sequence[int]:
    """Do what a person decided; gives how many deliveries it touched."""
    return [_act(connection, job) for job in jobs]


def tell(connection: Connection, jobs: Sequence[Telling]) -> Sequence[None]:
    """Remember what the sender knows; of what a person sent again meanwhile he must hear should it fail again."""
    for job in jobs:
        told = update(DELIVERY).where(DELIVERY.c.id.in_(job.deliveries))
        if job.what == "failed":
            told = told.where(DELIVERY.c.state.in_(("failed", "expired")))
        connection.execute(told.values(reported=job.what))
    entries.append(connection, [job.event for job in jobs])
    return [None] * len(jobs)


def note(connection: Connection, jobs: Sequence[Noting]) -> Sequence[list[Any]]:
    """Write events and what goes with them; gives what the callables gave."""
    given = []
    for job in jobs:
        given.append(write_also(connection, job.also))
        if job.closes:
            closed = {"planned": True, "state": "final", "erase_after": job.erase_after}
            connection.execute(update(LETTER).where(LETTER.c.id == job.closes).values(**closed))
        entries.append(connection, job.events)
    return given


def read_again(connection: Connection, jobs: Sequence[ReadingAgain]) -> Sequence[bool]:
    """Take a letter back to before its rows, if nothing of it was ever on its way; ``False`` where that is not so.

    It has just been read, so the crashes in whose hands it was are not held against it any more.
    """
    return [_read_again(connection, job) for job in jobs]


def wake(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Give held deliveries whose time has come another look at the directory; their tries are counted from now on."""
    now = max(jobs)
    due = (DELIVERY.c.state == literal_column("'held'"), DELIVERY.c.next_at <= now)
    woken = connection.execute(update(DELIVERY).where(*due).values(state="ready", created_at=now)).rowcount
    return [woken] * len(jobs)


def remind(connection: Connection, jobs: Sequence[Reminding]) -> Sequence[list[Event]]:
    """Bring held deliveries back to mind, again and again: their senders have not heard by now, and a person reads."""
    return [_remind(connection, job) for job in jobs]


def forget_replays(connection: Connection, jobs: Sequence[datetime]) -> Sequence[int]:
    """Forget replay keys older than the horizon."""
    return [connection.execute(delete(REPLAY).where(REPLAY.c.seen_at < horizon)).rowcount for horizon in jobs]


def _remind(connection: Connection, job: Reminding) -> list[Event]:
    held, mine = DELIVERY.c.state == literal_column("'held'"), DELIVERY.c
    before = job.now - job.after
    forgotten = or_(mine.reminded_at.is_(None), mine.reminded_at <= before)
    wanted = select(mine.id, mine.letter_id, mine.reason, mine.held_at).where(held, mine.held_at <= before, forgotten)
    rows = connection.execute(wanted.limit(AT_ONCE)).all()
    if rows:
        these = mine.id.in_([row.id for row in rows])
        connection.execute(update(DELIVERY).where(these).values(reported="", reminded_at=job.now))
    events = [journal.reminded(job.now, row.letter_id, row.id, code=row.reason, since=row.held_at) for row in rows]
    entries.append(connection, events)
    return events


def _read_again(connection: Connection, job: ReadingAgain) -> bool:
    letter, mine = job.lease.letter, (job.lease.delivery, job.lease.epoch)
    rows = connection.execute(select(DELIVERY).where(DELIVERY.c.letter_id == letter)).all()
    waiting = all(row.state in {"held", "ready"} or (row.id, row.epoch) == mine for row in rows)
    untried = not any(row.attempts or row.ambiguous or row.proof or row.accepted_at for row in rows)
    if not (waiting and untried and any((row.id, row.epoch, row.state) == (*mine, "leased") for row in rows)):
        return False
    anew = {"planned": False, "state": "open", "final_at": None, "erase_after": None, "strikes": 0}
    whole = (LETTER.c.id == letter, LETTER.c.part == 0)
    if not connection.execute(update(LETTER).where(*whole).values(**anew)).rowcount:
        return False
    write_also(connection, [job.leg(DeliveryId(row.id)) for row in rows])
    connection.execute(delete(DELIVERY).where(DELIVERY.c.letter_id == letter))
    entries.append(connection, [job.event])
    return True


def _act(connection: Connection, job: Acting) -> int:
    whole = select(LETTER.c.id).where(LETTER.c.whole == job.letter) if "-" not in job.letter else (job.letter,)
    body = exists().where(CHUNK.c.letter_id == whole_of(job.letter))
    mine = (DELIVERY.c.letter_id.in_(whole), DELIVERY.c.state.in_(job.of), body)
    values: dict[str, Any] = {"state": job.to.value, "reported": "", "epoch": DELIVERY.c.epoch + 1, "strikes": 0}
    if job.to is DeliveryState.READY:
        values |= {"next_at": job.event.at, "final_at": None, "created_at": job.event.at, "attempts": 0}
        if DeliveryState.HELD not in job.of:
            values["proof"] = int(Proof.NONE)  # of what a person sends again nothing is proved yet
        reopened = exists().where(DELIVERY.c.letter_id == LETTER.c.id, DELIVERY.c.state.in_(job.of))
        again = {"state": "open", "final_at": None, "erase_after": None}
        connection.execute(update(LETTER).where(LETTER.c.id.in_(whole), reopened, body).values(**again))
    else:
        values |= {"final_at": job.event.at}
    if job.each:
        write_also(
            connection, [job.each(it) for it in connection.execute(select(DELIVERY.c.id).where(*mine)).scalars()]
        )
    touched = connection.execute(update(DELIVERY).where(*mine).values(**values)).rowcount
    if job.to is DeliveryState.CANCELLED:
        _close(connection, whole, job)
    entries.append(connection, [job.event] if touched else [])
    return touched


def _close(connection: Connection, whole: Any, job: Acting) -> None:  # noqa: ANN401 (a select or ids)
    left = exists().where(DELIVERY.c.letter_id == LETTER.c.id, DELIVERY.c.state.in_(OPEN))
    values = {"state": "final", "final_at": job.event.at, "erase_after": job.erase_after}
    connection.execute(update(LETTER).where(LETTER.c.id.in_(whole), ~left).values(**values))
