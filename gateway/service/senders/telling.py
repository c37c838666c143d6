"""Station 9 towards the sender: a DSN for what failed, is held, is late or arrived; said once it was handed over."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from gateway import journal
from gateway.document import Severity
from gateway.errors import HuitaineError, PermanentFailure, UnreadableDocument
from gateway.identifiers import DeliveryId, LetterId, new_delivery_id
from gateway.ingest.imap import RefusedMail
from gateway.letter import SealedMail
from gateway.moments import EPOCH
from gateway.queue import queries
from gateway.queue.afterwards import Telling
from gateway.queue.store import Store
from gateway.queue.words import unnamed
from gateway.receipts.notice import Notice, NoticeAddressee, NoticeKind, build_dsn
from gateway.service.road.abreast import Abreast
from gateway.service.road.explaining import explain
from gateway.service.senders.notices import KINDS, NOBODY, Habits, Notices, asked_for, own_message_id
from gateway.smtp.courier.courier import Courier

__all__ = ["Habits", "Teller"]

News = tuple[str, str]
"""A letter, and what there is to tell of it."""

A_ROUND, PAGE = 50, 200
ABREAST = 8
"""So many senders' domains are told side by side: one whose server hangs delays its own letters only."""
PATIENCE = 1.0
"""Seconds that a round waits for those it began; what takes longer goes on behind it."""
DAMAGED = "nobody known"
OVER = frozenset({"failed", "delivered", "relayed"})
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """News that could not be told wait, twice as long each time."""

    until: datetime = EPOCH
    last: timedelta = timedelta(seconds=5)

    def longer(self, now: datetime) -> Pause:
        """After another failure."""
        wait = min(2 * self.last, timedelta(hours=1))
        return Pause(until=now + wait, last=wait)


class Teller:
    """Looks for deliveries whose sender has not heard, and tells him; what cannot be handed over is told later."""

    def __init__(self, store: Store, courier: Courier, habits: Habits, *, clock: Callable[[], datetime]) -> None:
        """Everything it needs is handed in."""
        self._store, self._courier, self._habits, self._clock = store, courier, habits, clock
        self._notices = Notices(store=store, habits=habits, clock=clock)
        self._pauses: dict[News, Pause] = {}
        self._unwritten: dict[News, Telling] = {}
        self._abreast, self._told = Abreast(ABREAST), 0
        self._domains: dict[News, str] = {}

    async def tell(self) -> int:
        """One round; gives how many letters were told of. What cannot be told now stands in nobody's way."""
        if self._store.on_hold:
            return 0
        now, before = self._clock(), self._told
        news = await asyncio.to_thread(self._news, now, frozenset(self._abreast.busy))
        self._pauses = {each: pause for each, pause in self._pauses.items() if pause.until > now - FORGOTTEN}
        for name, mine in news.items():
            self._abreast.begin(name, partial(self._each, mine))
        await self._abreast.settle(PATIENCE if news else 0)
        return self._told - before

    async def end(self) -> None:
        """Break off what is being told: it is told after the next start."""
        await self._abreast.end()

    async def _each(self, news: Mapping[News, Sequence[queries.Row]]) -> None:
        """The letters of one sender's domain, one after the other; after a slow one the next round looks anew."""
        until = asyncio.get_running_loop().time() + PATIENCE
        for key, rows in news.items():
            if asyncio.get_running_loop().time() > until:
                return
            try:
                await self._one(LetterId(key[0]), key[1], rows)
            except Exception as error:  # noqa: BLE001 (one letter's news must not end the others')
                status = error.status if isinstance(error, HuitaineError) else ""
                why = unnamed(error.detail, None) if isinstance(error, HuitaineError) else type(error).__name__
                structlog.get_logger().warning("telling-failed", letter_id=key[0], status=status, why=why)
                self._pauses[key] = self._pauses.get(key, Pause()).longer(self._clock())
            else:
                self._pauses.pop(key, None)
                self._told += 1

    def _news(self, now: datetime, busy: Collection[str]) -> dict[str, dict[News, list[queries.Row]]]:
        """At most :data:`A_ROUND` letters by their senders' domains, without those that have to wait.

        ``busy`` was read before the rows are: what is being told now would be found untold.
        """
        found: dict[News, list[queries.Row]] = defaultdict(list)
        domains: dict[News, str] = {}
        last = ""
        while len(found) < A_ROUND:
            with self._store.reading() as connection:
                since = now - self._habits.warn_after
                rows = queries.untold(connection, delayed_since=since, after=last, limit=PAGE)
            for row in rows:
                key = (row["letter_id"], row["what"])
                if self._pauses.get(key, Pause()).until > now or (key not in found and len(found) >= A_ROUND):
                    continue
                domains[key] = domains.get(key) or self._domains.get(key) or self._domain(row)
                if domains[key] not in busy:
                    found[key].append(row)
            if len(rows) < PAGE:
                break
            last = rows[-1]["id"]
        self._domains = domains
        news: dict[str, dict[News, list[queries.Row]]] = defaultdict(dict)
        for key, mine in found.items():
            news[domains[key]][key] = mine
        return news

    def _domain(self, row: queries.Row) -> str:
        """Of whoever is to be told; of nobody, the domain of nobody."""
        return self._notices.sender(LetterId(row["letter_id"]), row).to.rpartition("@")[2].lower() or NOBODY

    async def refuse(self, refused: RefusedMail) -> None:
        """Tell whoever sent a mail that its door refuses after having received it, if anybody did.

        Raises ``TransientFailure`` when he cannot be told now; whom no server takes a report for hears nothing.
        """
        if not refused.envelope.sender:
            return
        asked = [recipient.address for recipient in refused.envelope.recipients] or [NOBODY]
        status, (reason, explained) = refused.failure.status, _why(refused.failure)
        notice = Notice(
            id=new_delivery_id(),
            kind=NoticeKind.FAILED,
            our_name=self._habits.our_domain,
            to=refused.envelope.sender,
            at=self._clock(),
            letter=refused.letter,
            arrived_at=self._clock(),
            addressees=tuple(
                NoticeAddressee(mailbox=mailbox, status=status, reason=reason, explained=explained) for mailbox in asked
            ),
            message_id=own_message_id(refused.content),
        )
        try:
            await self._hand_over(notice)
        except PermanentFailure as error:
            structlog.get_logger().warning("telling-failed", letter_id=refused.letter, status=error.status)

    async def _one(self, letter: LetterId, what: str, rows: Sequence[queries.Row]) -> None:
        telling = self._unwritten.get((letter, what))
        if telling is None:
            code = await self._said(letter, what, [row for row in rows if asked_for(row, KINDS[what])])
            if code == DAMAGED:
                event = journal.untold(self._clock(), letter, code=what)
            else:
                event = journal.reported(self._clock(), letter, code=code)
            telling = Telling(deliveries=tuple(DeliveryId(row["id"]) for row in rows), what=what, event=event)
            self._unwritten[letter, what] = telling  # said once, even where the disk does not take it at once
        await self._store.tell(telling)
        del self._unwritten[letter, what]
        said = journal.warn if telling.event.kind == "untold" else journal.log
        said(telling.event)

    async def _said(self, letter: LetterId, what: str, wanted: Sequence[queries.Row]) -> str:
        """Tell him, and say what was done; raises when he cannot be told now."""
        if not wanted:
            return f"{what}, nobody to tell"
        if what in OVER and wanted[0]["source"] in self._habits.told_otherwise:
            return f"{what}, told otherwise"
        sender = await asyncio.to_thread(self._notices.sender, letter, wanted[0])
        if not sender.to:
            return DAMAGED if sender.damaged else f"{what}, nobody to tell"
        notice = self._notices.notice(
            letter, sender, what, wanted, await asyncio.to_thread(self._notices.message_id, letter)
        )
        try:
            await self._hand_over(notice)
        except PermanentFailure as error:
            why = unnamed(error.detail, None)
            structlog.get_logger().error("sender-not-reached", letter_id=letter, status=error.status, why=why)
            return f"{what}, sender not reached"
        return what

    async def _hand_over(self, notice: Notice) -> None:
        mail = SealedMail(
            letter=LetterId(notice.letter),
            delivery=DeliveryId(notice.id),
            message_id=f"<{notice.id}@{notice.our_name}>",
            sender="",
            mailbox=notice.to,
            content=build_dsn(notice),
            protected_by="headers-only",
            sealed_at=notice.at,
        )
        await self._courier.deliver(mail, notify=("NEVER",))


def _why(failure: HuitaineError) -> tuple[str, tuple[str, ...]]:
    """What has to be corrected: code and place, then in French and English; or the error's words, which name nobody."""
    findings = failure.findings if isinstance(failure, UnreadableDocument) else ()
    wrong = next((finding for finding in findings if finding.severity is Severity.ERROR), None)
    if wrong is None:
        return failure.words, ()
    told = explain(wrong.code, f"{wrong.place}: {wrong.message}")
    return f"{wrong.code}: {wrong.place}", tuple(words for words in (told.french, told.english) if words.isprintable())
