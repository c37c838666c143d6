"""The report that a sender gets of his letter: to whom, about whom, and why, as far as the store still knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.document import Role
from gateway.errors import HuitaineError
from gateway.identifiers import LetterId, new_delivery_id
from gateway.imap.headers import BadHeader, read_headers
from gateway.letter import Addressee
from gateway.queue import queries
from gateway.queue.store import Store
from gateway.receipts.notice import Notice, NoticeAddressee, NoticeKind
from gateway.service.road.explaining import explain

KINDS = {
    "failed": NoticeKind.FAILED,
    "held": NoticeKind.HELD,
    "delayed": NoticeKind.DELAYED,
    "delivered": NoticeKind.DELIVERED,
    "relayed": NoticeKind.RELAYED,
    "unconfirmed": NoticeKind.UNCONFIRMED,
    "unread": NoticeKind.UNCONFIRMED,
}
ASKED = {
    NoticeKind.FAILED: "FAILURE",
    **dict.fromkeys((NoticeKind.DELAYED, NoticeKind.HELD, NoticeKind.UNCONFIRMED), "DELAY"),
}
STATUS = {
    NoticeKind.FAILED: "5.0.0",
    NoticeKind.DELAYED: "4.4.7",
    NoticeKind.HELD: "4.0.0",
    NoticeKind.DELIVERED: "2.1.5",
    NoticeKind.RELAYED: "2.0.0",
    NoticeKind.UNCONFIRMED: "4.0.0",
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
    told_otherwise: frozenset[str] = frozenset()
    """Sources that hear of what is over by another way than mail; of what is held or late they hear by mail too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who is to be told, and what he knows a letter by; ``to`` is empty when there is nobody."""

    to: str = field(repr=False)
    envid: str | None = None
    damaged: bool = False
    """Whether who handed it in cannot be read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Makes them; tells nobody."""

    store: Store
    habits: Habits
    clock: Callable[[], datetime]

    def sender(self, letter: LetterId, row: queries.Row) -> Sender:
        """Also of a letter whose row is damaged: its source may say whom to tell."""
        appointed = self.habits.report_to.get(row["source"], "")
        try:
            envelope = self.store.envelope(letter)
        except HuitaineError:
            return Sender(to=appointed, damaged=True)
        if envelope is None:
            return Sender(to=appointed)
        return Sender(to=appointed or envelope.sender, envid=envelope.envid)

    def message_id(self, letter: LetterId) -> str:
        """The sender's own; empty when the bytes are erased, or damaged."""
        try:
            kept = self.store.recall(letter, erased=True)
        except HuitaineError:
            return ""
        return own_message_id(kept.received.content) if kept else ""

    def notice(
        self, letter: LetterId, sender: Sender, what: str, rows: Sequence[queries.Row], message_id: str
    ) -> Notice:
        """What ``sender`` gets to read of these deliveries of one letter; raises nothing for a damaged row."""
        return Notice(
            id=new_delivery_id(),
            kind=KINDS[what],
            our_name=self.habits.our_domain,
            to=sender.to,
            at=self.clock(),
            letter=letter,
            arrived_at=rows[0]["received_at"],
            addressees=tuple(self._addressee(letter, row, KINDS[what]) for row in rows),
            envid=sender.envid,
            message_id=message_id,
        )

    def _addressee(self, letter: LetterId, row: queries.Row, kind: NoticeKind) -> NoticeAddressee:
        asked = self._asked(letter, row)
        rpps = asked.rpps or row["rpps"]
        ours = f"{rpps}@rpps.{self.habits.our_domain}" if rpps else NOBODY
        status = row["status"] if str(row["status"])[:1] == STATUS[kind][0] else STATUS[kind]
        return NoticeAddressee(
            mailbox=asked.mailbox or ours,
            status=status,
            orcpt=asked.orcpt,
            code=row["code"],
            reason=row["reason"],
            explained=self._explained(row),
            will_retry_until=row["created_at"] + self.habits.expire if row["state"] == "ready" else None,
        )

    def _asked(self, letter: LetterId, row: queries.Row) -> Addressee:
        """Whom it was for, as it was asked; of a damaged row nobody but his number."""
        try:
            return self.store.target(letter, row["id"], row["addressee"]).addressee
        except HuitaineError:
            return Addressee(role=Role(row["role"]))

    def _explained(self, row: queries.Row) -> tuple[str, str]:
        """Why, in French and in English, with what the journal says of this delivery."""
        with self.store.reading() as connection:
            said = queries.trace(connection, row["letter_id"])
        mine = [entry["words"] for entry in said if (entry["delivery_id"], entry["code"]) == (row["id"], row["reason"])]
        found = explain(row["reason"], mine[-1] if mine else "", status=row["status"])
        return found.french, found.english


def asked_for(row: queries.Row, kind: NoticeKind) -> bool:
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
