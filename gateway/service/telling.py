"""Station 9 towards the sender: a DSN for what failed, is held, is late or arrived; said once it was handed over."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from gateway import journal
from gateway.document import Severity
from gateway.errors import HuitaineError, PermanentFailure, UnreadableDocument
from gateway.identifiers import DeliveryId, LetterId, new_delivery_id
from gateway.imap.headers import BadHeader, read_headers
from gateway.ingest.imap import RefusedMail
from gateway.letter import KeptLetter, SealedMail
from gateway.moments import EPOCH
from gateway.queue import queries
from gateway.queue.afterwards import Telling
from gateway.queue.store import Store
from gateway.queue.words import unnamed
from gateway.receipts.notice import Notice, NoticeAddressee, NoticeKind, build_dsn
from gateway.service.explaining import explain
from gateway.smtp.courier.courier import Courier

KINDS = {
    "failed": NoticeKind.FAILED,
    "held": NoticeKind.HELD,
    "delayed": NoticeKind.DELAYED,
    "delivered": NoticeKind.DELIVERED,
    "relayed": NoticeKind.RELAYED,
}
ASKED = {NoticeKind.FAILED: "FAILURE", NoticeKind.DELAYED: "DELAY", NoticeKind.HELD: "DELAY"}
STATUS = {
    NoticeKind.FAILED: "5.0.0",
    NoticeKind.DELAYED: "4.4.7",
    NoticeKind.HELD: "4.0.0",
    NoticeKind.DELIVERED: "2.1.5",
    NoticeKind.RELAYED: "2.0.0",
}
NOBODY = "nobody@invalid"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")  # RFC 5322 §3.6.4, as far as a stranger's may be repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Who we are, who hears of a source whose door has no sender, and when a delay is worth a word."""

    our_domain: str
    report_to: Mapping[str, str]
    warn_after: timedelta
    expire: timedelta


News = tuple[str, str]
"""A letter, and what there is to tell of it."""

A_ROUND, PAGE = 50, 200
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
        self._pauses: dict[News, Pause] = {}
        self._unwritten: dict[News, Telling] = {}

    async def tell(self) -> int:
        """One round; gives how many letters were told of. What cannot be told now stands in nobody's way."""
        if self._store.on_hold:
            return 0
        now, told = self._clock(), 0
        news = await asyncio.to_thread(self._news, now)
        self._pauses = {each: pause for each, pause in self._pauses.items() if pause.until > now - FORGOTTEN}
        for key, rows in news.items():
            try:
                await self._one(LetterId(key[0]), key[1], rows)
            except Exception as error:  # noqa: BLE001 (one letter's news must not end the others')
                status = error.status if isinstance(error, HuitaineError) else ""
                why = unnamed(error.detail, None) if isinstance(error, HuitaineError) else type(error).__name__
                structlog.get_logger().warning("telling-failed", letter_id=key[0], status=status, why=why)
                self._pauses[key] = self._pauses.get(key, Pause()).longer(self._clock())
            else:
                self._pauses.pop(key, None)
                told += 1
        return told

    def _news(self, now: datetime) -> dict[News, list[queries.Row]]:
        """At most :data:`A_ROUND` letters, without those that have to wait."""
        news: dict[News, list[queries.Row]] = defaultdict(list)
        last = ""
        while len(news) < A_ROUND:
            with self._store.reading() as connection:
                since = now - self._habits.warn_after
                rows = queries.untold(connection, delayed_since=since, after=last, limit=PAGE)
            for row in rows:
                key = (row["letter_id"], row["what"])
                if self._pauses.get(key, Pause()).until <= now and (key in news or len(news) < A_ROUND):
                    news[key].append(row)
            if len(rows) < PAGE:
                break
            last = rows[-1]["id"]
        return news

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
            code = await self._said(letter, what, [row for row in rows if _asked_for(row, KINDS[what])])
            event = journal.reported(self._clock(), letter, code=code)
            telling = Telling(deliveries=tuple(DeliveryId(row["id"]) for row in rows), what=what, event=event)
            self._unwritten[letter, what] = telling  # said once, even where the disk does not take it at once
        await self._store.tell(telling)
        del self._unwritten[letter, what]
        journal.log(telling.event)

    async def _said(self, letter: LetterId, what: str, wanted: Sequence[queries.Row]) -> str:
        """Tell him, and say what was done; raises when he cannot be told now."""
        kept = await asyncio.to_thread(self._store.recall, letter, erased=True) if wanted else None
        if kept is None:
            return f"{what}, nobody to tell"
        to = self._habits.report_to.get(kept.received.source) or kept.received.envelope.sender
        if not to:
            return f"{what}, nobody to tell"
        try:
            await self._hand_over(self._notice(letter, kept, what, wanted, to))
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

    def _notice(self, letter: LetterId, kept: KeptLetter, what: str, rows: Sequence[queries.Row], to: str) -> Notice:
        return Notice(
            id=new_delivery_id(),
            kind=KINDS[what],
            our_name=self._habits.our_domain,
            to=to,
            at=self._clock(),
            letter=letter,
            arrived_at=kept.received.received_at,
            addressees=tuple(self._addressee(letter, row, KINDS[what]) for row in rows),
            envid=kept.received.envelope.envid,
            message_id=own_message_id(kept.received.content),
        )

    def _addressee(self, letter: LetterId, row: queries.Row, kind: NoticeKind) -> NoticeAddressee:
        target = self._store.target(letter, row["id"], row["addressee"])
        asked = target.addressee
        ours = f"{asked.rpps}@rpps.{self._habits.our_domain}" if asked.rpps else NOBODY
        status = row["status"] if str(row["status"])[:1] == STATUS[kind][0] else STATUS[kind]
        return NoticeAddressee(
            mailbox=asked.mailbox or ours,
            status=status,
            orcpt=asked.orcpt,
            code=row["code"],
            reason=row["reason"],
            explained=self._explained(row),
            will_retry_until=row["created_at"] + self._habits.expire if row["state"] == "ready" else None,
        )

    def _explained(self, row: queries.Row) -> tuple[str, str]:
        """Why, in French and in English, with what the journal says of this delivery."""
        with self._store.reading() as connection:
            said = queries.trace(connection, row["letter_id"])
        mine = [entry["words"] for entry in said if (entry["delivery_id"], entry["code"]) == (row["id"], row["reason"])]
        found = explain(row["reason"], mine[-1] if mine else "", status=row["status"])
        return found.french, found.english


def _asked_for(row: queries.Row, kind: NoticeKind) -> bool:
    """Whether the sender wants to hear this (RFC 3461 §4.1): without NOTIFY, failures and delays."""
    asked = {word for word in row["notify"].split(",") if word}
    if kind is NoticeKind.HELD and "FAILURE" in asked:
        return True  # it may never leave: who wants to hear of failures must hear of that
    return not asked or kind not in ASKED or ASKED[kind] in asked


def own_message_id(content: bytes) -> str:
    """The Message-ID that the sender gave the mail he handed in; empty when there is none that can be repeated."""
    try:
        stated = next(iter(read_headers(content).get("message-id", [])), "")
    except BadHeader:
        return ""
    return stated if _MESSAGE_ID.fullmatch(stated) else ""


def _why(failure: HuitaineError) -> tuple[str, tuple[str, ...]]:
    """What has to be corrected: code and place, then in French and English; or the error's words, which name nobody."""
    findings = failure.findings if isinstance(failure, UnreadableDocument) else ()
    wrong = next((finding for finding in findings if finding.severity is Severity.ERROR), None)
    if wrong is None:
        return failure.words, ()
    told = explain(wrong.code, f"{wrong.place}: {wrong.message}")
    return f"{wrong.code}: {wrong.place}", tuple(words for words in (told.french, told.english) if words.isprintable())
