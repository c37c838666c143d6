"""From an addressed letter to its rows: one letter per patient, one delivery per addressee, each decision an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway import journal
from gateway.identifiers import DeliveryId, new_delivery_id
from gateway.journal import Event
from gateway.letter import Addressed, AddressedLetter, Held, ParsedLetter, protection_name
from gateway.queue.bodies import Summary, Target
from gateway.queue.deliveries import Also, Planning, read_values
from gateway.queue.leases import Lease, Terms
from gateway.queue.store import Store

RECHECK = timedelta(hours=1)
"""A held delivery is addressed again after this: the directory or a certificate may have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One delivery as planned, leased to us from its first moment when it can leave."""

    letter: AddressedLetter
    outcome: Addressed | Held
    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """What the clock answers when it has tied a letter: deliveries that it had to hold, and that must not start."""

    stopped: frozenset[DeliveryId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """How planned deliveries begin: what leads to ``route(mailbox)``, and whether it may start at once (``room``)."""

    terms: Terms
    route: Callable[[str], str]
    room: Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the store writes, and what the worker starts once it is written."""

    planning: Planning
    steps: tuple[Step, ...]
    starting: tuple[Step, ...]


def make_plan(
    store: Store,
    letters: Sequence[AddressedLetter],
    *,
    now: datetime,
    dispatch: Dispatch,
    tie: Callable[[AddressedLetter, Sequence[Step]], Also] | None = None,
) -> Plan:
    """The plan for all letters that came in one file; ``tie`` gives what the clock writes with each letter.

    A delivery that finds no room is not leased: it is due, and waits on disk until the worker claims it.
    """
    received = letters[0].parsed.kept.received
    key, wrapped = store.key_of(received.id)
    steps = [step for letter in letters for step in _steps(store, key, letter, now, dispatch.route)]
    starting = tuple(step for step in steps if isinstance(step.outcome, Addressed) and dispatch.room(step.lease.route))
    rows = [_letter_row(store, key, wrapped, letter) for letter in letters]
    several = len(letters) > 1
    planning = Planning(
        whole=received.id,
        parts=[row | {"planned": True} for row in rows] if several else [],
        update=read_values(rows[0]),
        deliveries=[_delivery_row(step, now, dispatch.terms if step in starting else None) for step in steps],
        events=[*_told(letters, now), *(event for step in steps for event in _decisions(step, now))],
        also=tuple(tie(letter, _of(letter, steps)) for letter in letters) if tie else (),
    )
    return Plan(planning=planning, steps=tuple(steps), starting=starting)


def _steps(
    store: Store, key: bytes, letter: AddressedLetter, now: datetime, route: Callable[[str], str]
) -> Iterator[Step]:
    for outcome in letter.outcomes:
        delivery = new_delivery_id()
        mailbox = outcome.mailbox if isinstance(outcome, Addressed) else None
        target = store.seal_target(key, delivery, Target(addressee=outcome.addressee, mailbox=mailbox))
        lease = Lease(
            delivery=delivery,
            letter=letter.parsed.id,
            epoch=1,
            attempts=0,
            ambiguous=0,
            created_at=now,
            target=target,
            route=route(mailbox) if mailbox else "",
        )
        yield Step(letter=letter, outcome=outcome, lease=lease)


def _letter_row(store: Store, key: bytes, wrapped: bytes, letter: AddressedLetter) -> dict[str, Any]:
    parsed, received = letter.parsed, letter.parsed.kept.received
    stay, first = parsed.stay, parsed.documents[0] if parsed.documents else None
    summary = Summary(
        envelope=received.envelope,
        name=received.name,
        patient=parsed.patient,
        stay=stay,
        kind=first.kind if first else None,
    )
    return {
        "id": parsed.id,
        "whole": received.id,
        "part": _part(parsed),
        "door": str(received.door),
        "source": received.source,
        "state": "open" if letter.outcomes else "final",
        "reason": "",
        "size": len(received.content),
        "sha256": "",  # the whole letter has it since it was kept, its parts have no bytes of their own
        "loinc": first.kind.loinc if first else None,
        "unit": stay.unit if stay else None,
        "control_id": first.control_id if first else None,
        "received_at": received.received_at,
        "discharged_at": stay.discharged_at if stay else None,
        "final_at": None,
        "body_key": wrapped,
        "sealed": store.seal_summary(key, parsed.id, summary),
        "erase_after": None,
    }


def _delivery_row(step: Step, now: datetime, terms: Terms | None) -> dict[str, Any]:
    """``terms`` are ours when the delivery is leased to us from its first moment."""
    outcome, lease = step.outcome, step.lease
    common = {
        "id": lease.delivery,
        "letter_id": lease.letter,
        "role": outcome.addressee.role.value,
        "rpps": outcome.addressee.rpps,
        "addressee": lease.target,
        "route": lease.route,
        "proof": 0,
        "attempts": 0,
        "ambiguous": 0,
        "node": "",
        "epoch": lease.epoch,
        "phase": "",
        "lasting": None,
        "held_at": None,
        "created_at": now,
        "status": "",
        "dsn_offered": False,
        "notify": ",".join(outcome.addressee.notify),
        "reported": "",
    }
    match outcome:
        case Addressed(protection=protection):
            where = {"protection": protection_name(protection), "reason": "", "state": "ready", "next_at": now}
            return common | where | (_leased(terms) if terms else {})
        case Held(reason=reason):
            held = {"state": "held", "reason": reason.code, "next_at": now + RECHECK, "held_at": now}
            return common | held | {"protection": ""}


def _leased(terms: Terms) -> dict[str, Any]:
    lease = {"state": "leased", "next_at": None, "lasting": terms.microseconds}
    return lease | {"node": terms.node, "phase": terms.phase}


def _told(letters: Sequence[AddressedLetter], now: datetime) -> Iterator[Event]:
    if len(letters) > 1:
        yield journal.split(now, letters[0].parsed.kept.id, parts=len(letters))
    for letter in letters:
        documents = letter.parsed.documents
        loinc = documents[0].kind.loinc if documents else None
        yield journal.read(now, letter.parsed.id, form=letter.parsed.format, loinc=loinc)


def _decisions(step: Step, now: datetime) -> Iterator[Event]:
    letter, delivery = step.lease.letter, step.lease.delivery
    for reason in step.outcome.reasons:
        yield journal.decided(now, letter, delivery, code=reason.code, words=reason.words)
    if isinstance(step.outcome, Held):
        why = step.outcome.reason
        yield journal.held(now, letter, delivery, code=why.code, words=why.words)


def _of(letter: AddressedLetter, steps: Sequence[Step]) -> tuple[Step, ...]:
    return tuple(step for step in steps if step.letter is letter)


def _part(parsed: ParsedLetter) -> int:
    return int(parsed.id.partition("-")[2] or 0)
