"""From an addressed letter to its rows: one letter per patient, one delivery per addressee, each decision an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from gateway import journal
from gateway.identifiers import new_delivery_id
from gateway.journal import Event
from gateway.letter import Addressed, AddressedLetter, Held, ParsedLetter, protection_name
from gateway.queue.bodies import Summary, Target
from gateway.queue.deliveries import Also, Lease, Planning, read_values
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
class Plan:
    """What the store writes, and what the worker may start at once."""

    planning: Planning
    steps: tuple[Step, ...]


def make_plan(
    store: Store,
    letters: Sequence[AddressedLetter],
    *,
    now: datetime,
    node: str,
    tie: Callable[[AddressedLetter, Sequence[Step]], Also] | None = None,
) -> Plan:
    """The plan for all letters that came in one file; ``tie`` gives what the clock writes with each letter.

    With an empty ``node`` nothing is leased: the deliveries are due, and wait until the worker has room.
    """
    received = letters[0].parsed.kept.received
    key, wrapped = store.key_of(received.id)
    steps = [step for letter in letters for step in _steps(store, key, letter, now)]
    rows = [_letter_row(store, key, wrapped, letter) for letter in letters]
    several = len(letters) > 1
    planning = Planning(
        whole=received.id,
        parts=[row | {"planned": True} for row in rows] if several else [],
        update=read_values(rows[0]),
        deliveries=[_delivery_row(step, now, node) for step in steps],
        events=[*_told(letters, now), *(event for step in steps for event in _decisions(step, now))],
        also=tuple(tie(letter, _of(letter, steps)) for letter in letters) if tie else (),
    )
    return Plan(planning=planning, steps=tuple(steps))


def _steps(store: Store, key: bytes, letter: AddressedLetter, now: datetime) -> Iterator[Step]:
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
        "sha256": "" if _part(parsed) else sha256(received.content).hexdigest(),
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


def _delivery_row(step: Step, now: datetime, node: str) -> dict[str, Any]:
    outcome, lease = step.outcome, step.lease
    common = {
        "id": lease.delivery,
        "letter_id": lease.letter,
        "role": outcome.addressee.role.value,
        "rpps": outcome.addressee.rpps,
        "addressee": lease.target,
        "proof": 0,
        "attempts": 0,
        "ambiguous": 0,
        "node": node,
        "epoch": lease.epoch,
        "created_at": now,
        "status": "",
        "dsn_offered": False,
        "notify": ",".join(outcome.addressee.notify),
        "reported": "",
    }
    match outcome:
        case Addressed(mailbox=mailbox, protection=protection):
            where = {
                "route": mailbox.rpartition("@")[2].lower(),
                "protection": protection_name(protection),
                "reason": "",
            }
            mine = {"state": "leased", "next_at": None, "lease_until": now}
            waits = {"state": "ready", "next_at": now, "lease_until": None}
            return common | where | (mine if node else waits)
        case Held(reason=reason):
            held = {"state": "held", "route": "", "reason": reason.code, "next_at": now + RECHECK}
            return common | held | {"protection": "", "lease_until": None}


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
