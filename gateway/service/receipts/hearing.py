"""Station 8 joined to the store: a receipt finds its delivery by Message-ID and addressee, then raises a proof."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway import journal
from gateway.errors import HuitaineError, TransientFailure
from gateway.identifiers import LetterId
from gateway.letter import DeliveryState, Proof, Receipt, ReceiptKind
from gateway.queue import queries
from gateway.queue.afterwards import Noting, Proving, expect_no_more
from gateway.queue.deliveries import Also
from gateway.queue.store import Store
from gateway.receipts.effect import Effect, apply
from gateway.receipts.matching import Matched, Sent, Unmatched, match
from gateway.service.clock.staybook import StayBook
from gateway.service.receipts.message_ids import MessageIds
from gateway.service.senders.answering_owed import Owed

LEGS = {
    Proof.DELIVERED: "delivered",
    Proof.PROCESSED: "processed",
    Proof.DISPLAYED: "displayed",
    Proof.INTEGRATED: "integrated",
}
_ERASED = "letter-erased"
_REFUSAL = re.compile(r"[0-9]{3}")
_AFTER_THE_ATTEMPT = frozenset({ReceiptKind.FAILED, ReceiptKind.RELAYED})
"""What the end of the attempt would overwrite."""
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")


MayTellOf = Callable[[str], bool]
"""Whether who brought a receipt may speak of a letter to this mailbox; raises ``TransientFailure`` when unknown now."""


def of_any(mailbox: str) -> bool:
    """Nobody can say who brought it: mail that came through a mailbox."""
    return True


class AttemptUnderWay(TransientFailure):
    """A report may be faster than our own commit that the hop said yes: it counts when the attempt's end is known."""

    status, words = "4.3.0", "Attempt under way, try again later"


class Hearing:
    """Records receipts; late, double, forged and foreign ones leave a line in the journal and change nothing."""

    def __init__(
        self,
        store: Store,
        message_ids: MessageIds,
        stays: StayBook,
        *,
        clock: Callable[[], datetime],
        owed: Owed | None = None,
    ) -> None:
        """Everything it needs is handed in; ``owed`` is what the hospital is told of what a receipt changed."""
        self._store, self._ids, self._stays, self._clock = store, message_ids, stays, clock
        self._owed = owed or Owed(channels={}, clock=clock)

    async def hear(self, receipts: Sequence[Receipt], may_tell_of: MayTellOf = of_any) -> int:
        """On return every receipt is in the journal, and what it proves is committed; how many are about our letters.

        One about a letter to a mailbox that ``may_tell_of`` says no to has no effect: ``other-operator``.
        Raises ``AttemptUnderWay`` for a report that cannot be judged yet: to be heard again later.
        """
        return sum([await self._one(receipt, may_tell_of) for receipt in receipts])

    async def _one(self, receipt: Receipt, may_tell_of: MayTellOf) -> bool:
        row, matched = self._find(receipt, may_tell_of)
        if row is None or isinstance(matched, Unmatched):
            code = matched.code if isinstance(matched, Unmatched) else "unknown-message-id"
            event = journal.unmatched(self._clock(), receipt=f"{receipt.kind.value} {code}")
            await self._store.note(Noting(events=(event,)))
            journal.log(event)
            return code == _ERASED
        is_late = self._is_of_an_earlier_attempt(row, receipt)
        if receipt.kind in _AFTER_THE_ATTEMPT and row["state"] == DeliveryState.LEASED and not is_late:
            raise AttemptUnderWay(receipt.reporter)
        effect = apply(Proof(row["proof"]), receipt, is_failed=row["state"] == DeliveryState.FAILED)
        if effect.has_failed and (is_late or row["state"] != DeliveryState.DONE):
            # Of an earlier attempt: another is under way or has arrived since, or a person ended it.
            effect = replace(effect, code="late", has_failed=False)
        proving = self._proving(row, receipt, effect)
        await self._store.prove(proving)
        journal.log(proving.event)
        return True

    def _is_of_an_earlier_attempt(self, row: queries.Row, receipt: Receipt) -> bool:
        """What its ENVID says: a Message-ID is every attempt's. A lease that was taken or lost since counts as one."""
        attempt = self._ids.attempt_of(receipt.envid, row["id"])
        return attempt is not None and attempt < row["epoch"]

    def _find(self, receipt: Receipt, may_tell_of: MayTellOf) -> tuple[queries.Row | None, Matched | Unmatched]:
        delivery = self._ids.delivery_of(receipt.message_id) or self._ids.delivery_of(receipt.envid)
        if delivery is None:
            return None, Unmatched(code="unknown-message-id")
        with self._store.reading() as connection:
            row = queries.find_delivery(connection, delivery)
            letter = queries.letter(connection, row["letter_id"]) if row else None
        if row is None:
            return None, Unmatched(code="unknown-message-id")
        try:
            target = self._store.target(LetterId(row["letter_id"]), delivery, row["addressee"])
        except HuitaineError:
            if self._store.recall(LetterId(row["letter_id"]), erased=True) is None:
                return None, Unmatched(code=_ERASED)
            raise
        sent = Sent(
            delivery=delivery,
            message_id=receipt.message_id or "",
            mailbox=target.mailbox or "",
            envid=receipt.envid,
            control_id=letter["control_id"] if letter else None,
        )
        found = match(receipt, [sent])
        if isinstance(found, Matched) and not may_tell_of(sent.mailbox):
            found = Unmatched(code="other-operator")
        return row, found

    def _proving(self, row: queries.Row, receipt: Receipt, effect: Effect) -> Proving:
        now = self._clock()
        # Its time is a stranger's: nothing arrives before it left, or after we hear of it.
        at = min(max(receipt.at or now, row["accepted_at"] or row["created_at"]), now)
        event = journal.proved(
            now,
            LetterId(row["letter_id"]),
            row["id"],
            receipt=f"{receipt.reporter} {receipt.kind.value}",
            effect=_told(receipt, effect),
        )
        return Proving(
            delivery=row["id"],
            proof=effect.proof if effect.changes else Proof.NONE,
            bounced=effect.has_failed,
            epoch=row["epoch"],
            status=_status(receipt),
            event=event,
            erase_after=self._store.erase_after(now),
            also=(
                *_also(row, effect),
                *self._legs(row, effect, at),
                *self._owed.of_receipt(row["id"], receipt, effect, at),
            ),
        )

    def _legs(self, row: queries.Row, effect: Effect, at: datetime) -> tuple[Also, ...]:
        if effect.has_failed:
            return (self._stays.leg(row["id"], "failed", at),)
        if effect.code == "raised" and effect.proof in LEGS:
            return (self._stays.leg(row["id"], LEGS[effect.proof], at),)
        return ()


def _told(receipt: Receipt, effect: Effect) -> str:
    """What changed, and of a refusal by his software its code (table 0533, else 0357): whoever mends it needs that."""
    code = receipt.code if receipt.kind is ReceiptKind.NOT_INTEGRATED and _REFUSAL.fullmatch(receipt.code or "") else ""
    return f"{effect.code} {code}".rstrip()


def _also(row: queries.Row, effect: Effect) -> tuple[Also, ...]:
    """Who asked to hear of success hears that nobody will tell it."""
    return (Also(expect_no_more, row["id"]),) if effect.code == ReceiptKind.RELAYED.value else ()


def _status(receipt: Receipt) -> str:
    """Its RFC 3463 status, if it is one: it is a stranger's, and goes into reports of ours."""
    stated = receipt.status or ""
    return stated if _STATUS.fullmatch(stated) else ""
