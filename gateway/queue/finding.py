"""A delivery that waited: its letter is read and addressed again, and today's outcome for its addressee is found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from gateway import journal
from gateway.identifiers import DeliveryId, LetterId
from gateway.letter import Addressed, AddressedLetter, Held, KeptLetter, Reason, Recipient, Step
from gateway.queue.afterwards import ReadingAgain
from gateway.queue.contents import unavailable
from gateway.queue.deliveries import Also
from gateway.queue.leases import Lease
from gateway.queue.loading import Loading
from gateway.queue.meant import outcome_for
from gateway.queue.store import Store

GONE = Reason(code="addressee-unclear", words="read again, the letter no longer names this addressee beyond doubt")


Stops = Callable[[Connection, Sequence[DeliveryId]], Mapping[DeliveryId, Reason]]


def nothing_stops(_connection: Connection, _deliveries: Sequence[DeliveryId]) -> Mapping[DeliveryId, Reason]:
    """Where nobody may forbid a letter that was taken."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """``readdress`` reads and addresses a kept letter; ``leg`` is what the clock writes for a row that goes.

    ``stops`` says which deliveries may not leave and why, whoever they are for: the patient opposes it.
    """

    readdress: Callable[[KeptLetter], Awaitable[list[AddressedLetter]]]
    leg: Callable[[DeliveryId, str, datetime], Also]
    stops: Stops = nothing_stops


class Finding:
    """Reads letters back in groups, and asks in the same look whether they may leave."""

    def __init__(self, store: Store, ways: Ways, *, clock: Callable[[], datetime]) -> None:
        """To be used on one loop at a time."""
        self._store, self._ways, self._clock = store, ways, clock
        self._together = Loading(self._look)

    async def find(self, lease: Lease) -> Step | Held | None:
        """The outcome of today for the addressee of this delivery; ``None`` when the whole letter begins anew."""
        kept, stopped = await self._together.load((lease.letter, lease.delivery))
        target = self._store.target(lease.letter, lease.delivery, lease.target)  # its key is at hand now
        if stopped:
            return Held(addressee=target.addressee, reason=stopped)
        instead = target.addressee.instead
        letters = await self._ways.readdress(only_to(kept, target.addressee.mailbox) if instead else kept)
        letter = next((letter for letter in letters if letter.parsed.id == lease.letter), None)
        outcome = outcome_for(target, letter.outcomes) if letter else None
        match outcome:
            case Addressed(addressee=found) if letter:
                if instead:
                    outcome = replace(outcome, addressee=replace(found, instead=True))
                return Step(letter=letter, addressed=outcome, delivery=lease.delivery, attempt=lease.epoch)
            case Held():
                return outcome
        numbered = target.addressee.rpps or target.addressee.adeli
        if not (numbered or instead) and await self._begun_anew(lease):
            return None
        return Held(addressee=target.addressee, reason=GONE)

    def _look(self, asked: Sequence[tuple[LetterId, DeliveryId]]) -> list[tuple[KeptLetter, Reason | None] | Exception]:
        letters = self._store.load_all([letter for letter, _ in asked])
        deliveries = [delivery for _, delivery in asked]
        with unavailable(), self._store.reading() as connection:
            stopped = self._ways.stops(connection, deliveries)
        return [
            kept if isinstance(kept, Exception) else (kept, stopped.get(delivery))
            for kept, delivery in zip(letters, deliveries, strict=True)
        ]

    async def _begun_anew(self, lease: Lease) -> bool:
        """A letter that nobody could read had its recipients for addressees; now that it is read they are others."""
        now = self._clock()
        event = journal.read_again(now, lease.letter)

        def gone(delivery: DeliveryId) -> Also:
            return self._ways.leg(delivery, "cancelled", now)

        done = await self._store.read_again(ReadingAgain(lease=lease, event=event, leg=gone))
        if done:
            journal.log(event)
        return done


def only_to(kept: KeptLetter, mailbox: str | None) -> KeptLetter:
    """The same letter as if its envelope named this mailbox alone."""
    received, recipients = kept.received, (Recipient(address=mailbox or "", notify=("NEVER",)),)
    return replace(kept, received=replace(received, envelope=replace(received.envelope, recipients=recipients)))
