"""How an attempt ended, as the row, the journal and the clock are told: one value for one transaction."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from gateway import journal
from gateway.errors import HuitaineError, NoProtection, TransientFailure
from gateway.identifiers import DeliveryId
from gateway.journal import Event
from gateway.letter import Done, GiveUp, Outcome, Reason, RetryAt, SealedMail, Step, protection_name
from gateway.queue.bodies import Target
from gateway.queue.deliveries import Also, Finishing, PutBack, Waiting
from gateway.queue.leases import Lease
from gateway.queue.planning import RECHECK
from gateway.queue.schedule import Schedule, decide
from gateway.queue.store import Store
from gateway.queue.words import unnamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """Makes them; writes nothing. ``leg`` is what the clock writes when a letter is sealed, accepted or failed."""

    store: Store
    schedule: Schedule
    route: Callable[[str], str]
    leg: Callable[[DeliveryId, str, datetime], Also]
    clock: Callable[[], datetime]

    def done(self, step: Step, lease: Lease, sealed: SealedMail, done: Done) -> Finishing:
        """The next hop said yes."""
        letter, delivery, how = lease.letter, lease.delivery, sealed.protected_by
        return replace(
            self._finishing(step, lease, done),
            protection=how,
            sealed_at=sealed.sealed_at,
            erase_after=self.store.erase_after(done.at),
            events=(
                *(journal.key_refused(sealed.sealed_at, letter, delivery, code=code) for code in sealed.refused),
                *([journal.key_of_organisation(sealed.sealed_at, letter, delivery)] if sealed.for_organisation else ()),
                journal.sealed(sealed.sealed_at, letter, delivery, protection=how, losses=sealed.losses),
                journal.accepted(done.at, letter, delivery, code=str(done.code)),
            ),
            also=(self.leg(delivery, "sealed", sealed.sealed_at), self.leg(delivery, "accepted", done.at)),
        )

    def failed(self, lease: Lease, step: Step | None, error: Exception) -> Finishing:
        """It did not leave, or nobody knows: tried again, put back, or given up."""
        now = self.clock()
        if not isinstance(error, HuitaineError):
            structlog.get_logger().error("attempt-crashed", letter_id=lease.letter, error=type(error).__name__)
            error = TransientFailure(type(error).__name__, status="4.3.0")
        outcome = self._decided(lease, error, now)
        if isinstance(outcome, PutBack):
            return self._finishing(step, lease, outcome)
        structlog.get_logger().info(
            "attempt-failed",
            letter_id=lease.letter,
            delivery_id=lease.delivery,
            status=error.status,
            why=unnamed(error.detail, step),
        )
        return self._given(self._finishing(step, lease, outcome), lease, outcome, now)

    def expired(self, lease: Lease) -> Finishing:
        """Its time is over without a further attempt: nobody could be reached at its destination."""
        now = self.clock()
        outcome = GiveUp(at=now, status="4.4.7", reason="delivery time expired", expired=True)
        return self._given(Finishing(lease=lease, outcome=outcome), lease, outcome, now)

    def arrived(self, lease: Lease) -> Finishing:
        """It may have left, and is proved to have arrived: it is not sent a second time."""
        now = self.clock()
        event = journal.proved(now, lease.letter, lease.delivery, receipt="earlier attempt", effect="not sent again")
        return Finishing(lease=lease, outcome=Done(at=now), events=(event,), erase_after=self.store.erase_after(now))

    def unprotected(self, step: Step, lease: Lease, error: NoProtection) -> Finishing:
        """It cannot be protected for him now."""
        now, code = self.clock(), error.detail or "no-key"
        event = journal.held(now, lease.letter, lease.delivery, code=code, words=error.words)
        waiting = Waiting(at=now + RECHECK, reason=code, since=now)
        return replace(self._finishing(step, lease, waiting), events=(event,))

    def held(self, lease: Lease, why: Reason) -> Finishing:
        """He cannot be written to now; said once for each reason."""
        now = self.clock()
        event = journal.held(now, lease.letter, lease.delivery, code=why.code, words=why.words)
        waiting = Waiting(at=now + RECHECK, reason=why.code, since=now)
        return Finishing(lease=lease, outcome=waiting, events=() if why.code == lease.reason else (event,))

    def untried(self, lease: Lease, step: Step) -> Finishing:
        """It survived its trial: due now, like any other."""
        return self._finishing(step, lease, PutBack(at=self.clock()))

    def _decided(self, lease: Lease, error: HuitaineError, now: datetime) -> RetryAt | GiveUp | PutBack:
        """A destination that rests was not tried: that does not count as an attempt (``error.until``)."""
        until: datetime | None = getattr(error, "until", None)
        chance = random.random()  # noqa: S311 (spreads retries)
        if until is not None and until <= lease.created_at + self.schedule.expire:
            return PutBack(at=until + timedelta(seconds=5 * chance), status=error.status, reason=error.words)
        return decide(error, self.schedule, attempts=lease.attempts + 1, since=lease.created_at, now=now, chance=chance)

    def _given(self, finishing: Finishing, lease: Lease, outcome: RetryAt | GiveUp, now: datetime) -> Finishing:
        events, also = self._told(lease, outcome, now)
        return replace(finishing, events=events, also=also, erase_after=self.store.erase_after(now))

    def _told(
        self, lease: Lease, outcome: RetryAt | GiveUp, now: datetime
    ) -> tuple[tuple[Event, ...], tuple[Also, ...]]:
        letter, delivery = lease.letter, lease.delivery
        unsure = (journal.ambiguous(now, letter, delivery),) if outcome.ambiguous else ()
        match outcome:
            case RetryAt(at=again, status=status, reason=why):
                return (journal.deferred(now, letter, delivery, status=status, again=again, why=why), *unsure), ()
            case GiveUp(status=status, expired=expired):
                event = journal.failed(now, letter, delivery, status=status, expired=expired)
                return (event, *unsure), (self.leg(delivery, "failed", now),)

    def _finishing(self, step: Step | None, lease: Lease, outcome: Outcome | Waiting | PutBack) -> Finishing:
        if step is None:
            return Finishing(lease=lease, outcome=outcome)
        mailbox = step.addressed.mailbox
        target = Target(addressee=step.addressed.addressee, mailbox=mailbox)
        key, _ = self.store.key_of(lease.letter)
        return Finishing(
            lease=lease,
            outcome=outcome,
            protection=protection_name(step.addressed.protection),
            route=self.route(mailbox),
            target=None if lease.epoch == 1 else self.store.seal_target(key, lease.delivery, target),
        )
