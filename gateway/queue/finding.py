"""A delivery that waited: its letter is read and addressed again, and today's outcome for its addressee is found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from gateway import journal
from gateway.identifiers import DeliveryId
from gateway.letter import Addressed, AddressedLetter, Held, KeptLetter, Reason, Recipient, Step
from gateway.queue.afterwards import ReadingAgain
from gateway.queue.deliveries import Also
from gateway.queue.leases import Lease
from gateway.queue.meant import outcome_for
from gateway.queue.store import Store

GONE = Reason(code="addressee-unclear", words="read again, the letter no longer names this addressee beyond doubt")


def nothing_stops(_connection: Connection, _delivery: DeliveryId) -> Reason | None:
    """Where nobody may forbid a letter that was taken."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``readdress`` reads and addresses a kept letter; ``leg`` is what the clock writes for a row that goes.

    ``stops`` says why a delivery may not leave, whoever it is for: the patient opposes it.
    """

    store: Store
    readdress: Callable[[KeptLetter], Awaitable[list[AddressedLetter]]]
    leg: Callable[[DeliveryId, str, datetime], Also]
    clock: Callable[[], datetime]
    stops: Callable[[Connection, DeliveryId], Reason | None] = nothing_stops

    async def find(self, lease: Lease) -> Step | Held | None:
        """The outcome of today for the addressee of this delivery; ``None`` when the whole letter begins anew."""
        kept = await self.store.fetch(lease.letter)
        target = self.store.target(lease.letter, lease.delivery, lease.target)  # its key is at hand now
        if stopped := await asyncio.to_thread(self._stopped, lease.delivery):
            return Held(addressee=target.addressee, reason=stopped)
        instead = target.addressee.instead
        letters = await self.readdress(only_to(kept, target.addressee.mailbox) if instead else kept)
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

    def _stopped(self, delivery: DeliveryId) -> Reason | None:
        with self.store.reading() as connection:
            return self.stops(connection, delivery)

    async def _begun_anew(self, lease: Lease) -> bool:
        """A letter that nobody could read had its recipients for addressees; now that it is read they are others."""
        now = self.clock()
        event = journal.read_again(now, lease.letter)

        def gone(delivery: DeliveryId) -> Also:
            return self.leg(delivery, "cancelled", now)

        done = await self.store.read_again(ReadingAgain(lease=lease, event=event, leg=gone))
        if done:
            journal.log(event)
        return done


def only_to(kept: KeptLetter, mailbox: str | None) -> KeptLetter:
    """The same letter as if its envelope named this mailbox alone."""
    received, recipients = kept.received, (Recipient(address=mailbox or "", notify=("NEVER",)),)
    return replace(kept, received=replace(received, envelope=replace(received.envelope, recipients=recipients)))
