"""The clock's side of what the store writes: movements, ties and legs, as callables for the store's transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.delays.legs import Leg, Stamp, begin_again, record_legs
from gateway.delays.letters import TimedLetter, tie_letters
from gateway.delays.stays import record_movement
from gateway.document import Movement
from gateway.identifiers import DeliveryId
from gateway.letter import AddressedLetter
from gateway.queue.deliveries import Also
from gateway.queue.planning import Step

Pseudonym = Callable[[str, str], str]


class StayBook:
    """Writes what happened to stays and letters under pseudonyms: no name, no visit number in clear."""

    def __init__(self, pseudonym: Pseudonym) -> None:
        """``pseudonym(purpose, text)`` is the vault's."""
        self._pseudonym = pseudonym

    def movement(self, movement: Movement, source: str, at: datetime) -> Also:
        """Record what an ADT message says."""
        return Also(self._write_movements, (movement, source, at))

    def tie(self, letter: AddressedLetter, steps: Sequence[Step]) -> Also:
        """Start the clock of a letter's deliveries and tie them to the stay."""
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
        )
        return Also(self._write_ties, timed)

    def leg(self, delivery: DeliveryId, leg: str, at: datetime) -> Also:
        """Stamp what was proved of one delivery."""
        return Also(_write_legs, Stamp(delivery_id=delivery, leg=Leg(leg), at=at))

    def _write_movements(
        self, connection: Connection, heard: Sequence[tuple[Movement, str, datetime]]
    ) -> Sequence[Any]:
        return [
            record_movement(connection, movement, source=source, pseudonym=self._pseudonym, at=at)
            for movement, source, at in heard
        ]

    def _write_ties(self, connection: Connection, letters: Sequence[TimedLetter]) -> Sequence[Any]:
        return tie_letters(connection, letters, pseudonym=self._pseudonym)


def sent_again(delivery: DeliveryId) -> Also:
    """Let the clock of a delivery that a person sends again go on."""
    return Also(_write_again, delivery)


def _write_again(connection: Connection, deliveries: Sequence[Any]) -> Sequence[Any]:
    begin_again(connection, deliveries)
    return [None] * len(deliveries)


def _write_legs(connection: Connection, stamps: Sequence[Stamp]) -> Sequence[Any]:
    record_legs(connection, stamps)
    return [None] * len(stamps)
