"""Station 9 towards the sender: a DSN for what failed, is held, is late or arrived; said once it was handed over."""

from __future__ import annotations

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
from gateway.queue import queries
from gateway.queue.afterwards import Telling
from gateway.queue.store import Store
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


class Teller:
    """Looks for deliveries whose sender has not heard, and tells him; what cannot be handed over is told later."""

    def __init__(self, store: Store, courier: Courier, habits: Habits, *, clock: Callable[[], datetime]) -> None:
        """Everything it needs is handed in."""
        self._store, self._courier, self._habits, self._clock = store, courier, habits, clock

    async def tell(self) -> int:
        """One round; gives how many letters were told of."""
        with self._store.reading() as connection:
            rows = queries.untold(connection, delayed_since=self._clock() - self._habits.warn_after)
        news: dict[tuple[str, str], list[queries.Row]] = defaultdict(list)
        for row in rows:
            news[row["letter_id"], row["what"]].append(row)
        for (letter, what), of in news.items():
            await self._one(LetterId(letter), what, of)
        return len(news)

    async def refuse(self, refused: RefusedMail) -> None:
        """Tell whoever sent a mail that its door refuses after having received it, if anybody did.

        Raises ``TransientFailure`` when he cannot be told now; whom no server takes a report for hears nothing.
        """
        if not refused.envelope.sender:
            return
        asked = [recipient.address for recipient in refused.envelope.recipients] or [NOBODY]
        why = _why(refused.failure)
        notice = Notice(
            id=new_delivery_id(),
            kind=NoticeKind.FAILED,
            our_name=self._habits.our_domain,
            to=refused.envelope.sender,
            at=self._clock(),
            letter=refused.letter,
            arrived_at=self._clock(),
            addressees=tuple(
                NoticeAddressee(mailbox=mailbox, status=refused.failure.status, reason=why) for mailbox in asked
            ),
            message_id=own_message_id(refused.content),
        )
        try:
            await self._hand_over(notice)
        except PermanentFailure as error:
            structlog.get_logger().warning("telling-failed", letter_id=refused.letter, status=error.status)

    async def _one(self, letter: LetterId, what: str, rows: Sequence[queries.Row]) -> None:
        to, wanted = "", [row for row in rows if _asked_for(row, KINDS[what])]
        try:
            if wanted:
                kept = self._store.load(letter)
                envelope = kept.received.envelope
                to = self._habits.report_to.get(kept.received.source) or envelope.sender
            if to:
                await self._hand_over(self._notice(letter, kept, what, wanted, to))
        except HuitaineError as error:
            structlog.get_logger().warning("telling-failed", letter_id=letter, status=error.status, why=error.detail)
            return
        event = journal.reported(self._clock(), letter, code=what if to else f"{what}, nobody to tell")
        ids = tuple(DeliveryId(row["id"]) for row in rows)
        await self._store.tell(Telling(deliveries=ids, what=what, event=event))
        journal.log(event)

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
    return not asked or kind not in ASKED or ASKED[kind] in asked


def own_message_id(content: bytes) -> str:
    """The Message-ID that the sender gave the mail he handed in; empty when there is none that can be repeated."""
    try:
        stated = next(iter(read_headers(content).get("message-id", [])), "")
    except BadHeader:
        return ""
    return stated if _MESSAGE_ID.fullmatch(stated) else ""


def _why(failure: HuitaineError) -> str:
    """What has to be corrected and where, in codes and places; or the error's own words, which name nobody."""
    findings = failure.findings if isinstance(failure, UnreadableDocument) else ()
    wrong = [finding for finding in findings if finding.severity is Severity.ERROR]
    return f"{wrong[0].code}: {wrong[0].place}" if wrong else failure.words
