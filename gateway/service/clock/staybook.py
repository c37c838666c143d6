"""The clock's side of what the store writes: movements, ties and legs, each with its line of the journal.

Callables for the store's own transaction: what a figure depends on and the line that proves it are committed together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.delays import facts
from gateway.delays.identity import StayKeys, stay_keys
from gateway.delays.legs import Leg, Stamp, begin_again, record_legs
from gateway.delays.letters import TimedLetter, tie_letters
from gateway.delays.stays import StayChange, oppose, record_movement
from gateway.document import Document, Movement, Stay
from gateway.identifiers import DeliveryId
from gateway.letter import AddressedLetter
from gateway.queue import entries
from gateway.queue.bodies import AtRest
from gateway.queue.deliveries import Also
from gateway.queue.planning import Step, Tied
from gateway.service.clock import opposing
from gateway.service.clock.stay_names import seal_name

Pseudonym = Callable[[str, str], str]
Believed = Callable[[str], bool]
_NOT_FINAL = frozenset({"P", "I", "S", "R", "O"})
"""OBX-11 and HPRIM's status of a result that is not validated yet, or not there yet."""


class StayBook:
    """Writes what happened to stays and letters under pseudonyms: no name, no visit number in clear."""

    def __init__(
        self, pseudonym: Pseudonym, *, protects: Believed = lambda source: True, vault: AtRest | None = None
    ) -> None:
        """``pseudonym(purpose, text)`` is the vault's; ``protects(source)``: whether its PD1-12 means opposition.

        With ``vault`` the name behind a stay is kept, sealed, as long as its letter is missing.
        """
        self._pseudonym, self._protects, self._vault = pseudonym, protects, vault

    def movement(self, movement: Movement, source: str, at: datetime) -> Also:
        """Record what an ADT message says; an opposition in it holds what has not left."""
        if not self._protects(source):
            movement = replace(movement, protected=None)
        return Also(self._write_movements, (movement, source, at))

    def opposition(self, visit: str, hospital: str, at: datetime, *, withdrawn: bool = False) -> Also:
        """Record that the patient opposes the sending, or does not any more; ``visit`` may be the file number.

        What has not left is held, or goes on.
        """
        numbers = stay_keys(Stay(visit=visit, hospital=hospital), hospital, self._pseudonym)
        return Also(_write_oppositions, (numbers, at, withdrawn))

    def tie(self, letter: AddressedLetter, steps: Sequence[Step]) -> Also:
        """Start the clock of a letter's deliveries and tie them to the stay: a ``Tied``."""
        parsed = letter.parsed
        first = parsed.documents[0] if parsed.documents else None
        timed = TimedLetter(
            id=parsed.id,
            source=parsed.kept.received.source,
            received_at=parsed.kept.received.received_at,
            deliveries=tuple((step.lease.delivery, step.outcome.addressee.role) for step in steps),
            kind=first.kind.loinc if first else None,
            patient=parsed.patient,
            stay=parsed.stay,
            validated_at=first.validated_at if first else None,
            is_result=bool(first and first.results),
            is_partial=bool(first and is_partial(first)),
            is_urgent=any(document.urgent for document in parsed.documents),
        )
        return Also(self._write_ties, timed)

    def leg(self, delivery: DeliveryId, leg: str, at: datetime) -> Also:
        """Stamp what was proved of one delivery."""
        return Also(_write_legs, Stamp(delivery_id=delivery, leg=Leg(leg), at=at))

    def _write_movements(
        self, connection: Connection, heard: Sequence[tuple[Movement, str, datetime]]
    ) -> Sequence[StayChange]:
        changes = []
        for movement, source, at in heard:
            sealed = self._sealed(movement, source)
            change = record_movement(
                connection, movement, source=source, pseudonym=self._pseudonym, at=at, details=sealed
            )
            changes.append(_journaled(connection, change, at))
            opposing.follow(connection, change, at)
        return changes

    def _sealed(self, movement: Movement, source: str) -> bytes | None:
        key = stay_keys(movement.stay, source, self._pseudonym).key
        return seal_name(self._vault, key, movement, source) if self._vault and key else None

    def _write_ties(self, connection: Connection, letters: Sequence[TimedLetter]) -> Sequence[Tied]:
        ties = tie_letters(connection, letters, pseudonym=self._pseudonym)
        pairs = zip(ties, letters, strict=True)
        events = [facts.letter_timed(tie.rows, letter.received_at) for tie, letter in pairs if tie.rows]
        entries.append(connection, events)
        opposed = {tie.letter_id: letter.received_at for tie, letter in zip(ties, letters, strict=True) if tie.opposed}
        stopped: frozenset[DeliveryId] = frozenset()
        if opposed:
            stopped = opposing.stop(connection, max(opposed.values()), opposing.of_letters(list(opposed)))
        return [Tied(stopped=stopped) for _ in ties]


def sent_again(delivery: DeliveryId, *, at: datetime) -> Also:
    """Let the clock of a delivery that a person sends again go on."""
    return Also(_write_again, (delivery, at))


def let_go(delivery: DeliveryId, *, at: datetime) -> Also:
    """A person releases it: that the patient opposes the sending stops it no more."""
    return Also(opposing.let_pass, (delivery, at))


def cancelled(delivery: DeliveryId, *, at: datetime) -> Also:
    """A person stopped it before it left: it answers for no stay."""
    return Also(_write_legs, Stamp(delivery_id=delivery, leg=Leg.CANCELLED, at=at))


def is_partial(document: Document) -> bool:
    """Whether a final document is to follow: by its own status, or by that of one of its results (D.6211-3 CSP)."""
    return document.partial or any(result.status in _NOT_FINAL for result in document.results)


def _write_oppositions(connection: Connection, told: Sequence[tuple[StayKeys, datetime, bool]]) -> Sequence[StayChange]:
    changes = []
    for numbers, at, withdrawn in told:
        change = oppose(connection, numbers, at, withdrawn=withdrawn)
        changes.append(_journaled(connection, change, at))
        opposing.follow(connection, change, at, anew=not withdrawn)
    return changes


def _journaled(connection: Connection, change: StayChange, at: datetime) -> StayChange:
    if change.row is not None:
        entries.append(connection, [facts.movement_heard(change.row, at)])
    return change


def _write_again(connection: Connection, told: Sequence[tuple[DeliveryId, datetime]]) -> Sequence[Any]:
    begin_again(connection, [delivery for delivery, _ in told])
    entries.append(connection, [facts.begun_again(delivery, at) for delivery, at in told])
    return [None] * len(told)


def _write_legs(connection: Connection, stamps: Sequence[Stamp]) -> Sequence[Any]:
    record_legs(connection, stamps)
    own = [stamp for stamp in stamps if stamp.leg not in facts.TOLD_ELSEWHERE.values()]
    entries.append(connection, [facts.leg_proved(stamp) for stamp in own])
    return [None] * len(stamps)
