"""Station 9 towards the sender: a DSN for what failed, is held, or is late; said once, after it was really handed over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from gateway import journal
from gateway.errors import HuitaineError
from gateway.identifiers import DeliveryId, LetterId, new_delivery_id
from gateway.letter import Recipient, SealedMail
from gateway.queue import queries
from gateway.queue.afterwards import Telling
from gateway.queue.store import Store
from gateway.receipts.notice import Notice, NoticeRecipient, build_dsn
from gateway.smtp.courier.courier import Courier

NEVER, ALWAYS = "NEVER", {"failed", "expired"}


class Teller:
    """Looks for deliveries whose sender has not heard, and tells him; what cannot be handed over is told later."""

    def __init__(
        self,
        store: Store,
        courier: Courier,
        *,
        our_domain: str,
        report_to: Mapping[str, str],
        warn_after: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        """``report_to`` replaces the envelope sender, by source: for doors that have none."""
        self._store, self._courier, self._clock = store, courier, clock
        self._domain, self._report_to, self._warn_after = our_domain, report_to, warn_after

    async def tell(self) -> int:
        """One round; gives how many letters were told of."""
        with self._store.reading() as connection:
            rows = queries.untold(connection, delayed_since=self._clock() - self._warn_after)
        by_letter: dict[tuple[str, str], list[queries.Row]] = defaultdict(list)
        for row in rows:
            by_letter[row["letter_id"], _what(row)].append(row)
        for (letter, what), of in by_letter.items():
            await self._one(LetterId(letter), what, of)
        return len(by_letter)

    async def _one(self, letter: LetterId, what: str, rows: Sequence[queries.Row]) -> None:
        kept = self._store.load(letter)
        to = self._report_to.get(kept.received.source) or kept.received.envelope.sender
        code = what if to else f"{what}, nobody to tell"
        if to:
            try:
                await self._hand_over(letter, what, rows, to)
            except HuitaineError as error:
                structlog.get_logger().warning("telling-failed", letter_id=letter, status=error.status)
                return
        event = journal.reported(self._clock(), letter, code=code)
        ids = tuple(DeliveryId(row["id"]) for row in rows)
        await self._store.tell(Telling(deliveries=ids, what=what, event=event))
        journal.log(event)
