"""The demonstration's other side: an operator with a GP's mailbox, and the mailbox that receipts come back to.

It speaks real SMTP with TLS and DSN; receipts are fetched through the gateway's own mailbox watch, whose connection is
replaced by one in memory here, so that the demonstration needs no IMAP server. The tests use a real Dovecot.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from email.message import Message
from email.utils import format_datetime, make_msgid

from gateway.identifiers import LetterId, new_letter_id
from gateway.imap.answers import Entry
from gateway.letter import KeptLetter, ReceivedLetter, Recipient
from gateway.moments import utc_now
from gateway.smtp.server.doors import SmtpDoors, open_smtp_doors
from gateway.smtp.server.settings import NULL_SENDER, SmtpDoorSettings, SmtpListener, SmtpSource


@dataclass(slots=True)
class ReceiptsMailbox:
    """A mailbox in memory with what a session of ``gateway.imap`` offers."""

    uidvalidity: int = 1
    is_open: bool = True
    has_idle: bool = True
    mails: dict[int, bytes] = field(default_factory=dict)
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, content: bytes) -> None:
        """One more mail."""
        self.mails[len(self.mails) + 1 + max(self.mails, default=0)] = content
        self._new.set()

    async def opening(self, account: object, limits: object) -> ReceiptsMailbox:
        """Stand in for ``gateway.imap.session.Session.open``."""
        return self

    async def uids(self) -> list[int]:
        """What is there."""
        self._new.clear()
        return sorted(self.mails)

    async def entries(self, uids: list[int]) -> list[Entry]:
        """Sizes."""
        return [Entry(uid=uid, size=len(self.mails[uid])) for uid in uids if uid in self.mails]

    async def content(self, entry: Entry) -> bytes | None:
        """The bytes."""
        return self.mails.get(entry.uid)

    async def move(self, uid: int, folder: str) -> None:
        """Moved away is gone."""
        self.mails.pop(uid, None)

    async def wait_for_change(self, seconds: float) -> None:
        """Until a mail arrives."""
        try:
            await asyncio.wait_for(self._new.wait(), seconds)
        except TimeoutError:
            return

    async def close(self) -> None:
        """Nothing to close."""


class Operator:
    """Takes sealed mails over SMTP, keeps them for their GP, answers with a DSN when one was asked for."""

    def __init__(self, receipts: ReceiptsMailbox) -> None:
        """``receipts`` is the gateway's own mailbox at this operator."""
        self.receipts = receipts
        self.delivered: list[tuple[str, bytes]] = []
        self._doors: SmtpDoors | None = None

    async def open(self, context: ssl.SSLContext) -> int:
        """Listen on loopback; gives the port."""
        listener = SmtpListener(name="operator", host="127.0.0.1", tls=context, unsafe_source="gateway")
        source = SmtpSource(name="gateway", senders=frozenset({"@hospital.test", NULL_SENDER}))
        settings = SmtpDoorSettings(hostname="operator.test", listeners=(listener,), sources=(source,))
        self._doors = await open_smtp_doors(settings, self, utc_now, new_letter_id)
        return int(self._doors.ports["operator"])

    async def close(self) -> None:
        """Stop listening."""
        if self._doors:
            await self._doors.close()

    async def keep(self, letter: ReceivedLetter) -> KeptLetter:
        """Into the GP's mailbox, and a DSN to whoever sent it."""
        for recipient in letter.envelope.recipients:
            self.delivered.append((recipient.address, letter.content))
            if "SUCCESS" in recipient.notify:
                self.receipts.deliver(dsn(letter, recipient))
        return KeptLetter(received=letter)

    async def withdraw(self, letter: LetterId) -> bool:
        """Never: it is in the mailbox."""
        return False


def dsn(letter: ReceivedLetter, recipient: Recipient) -> bytes:
    """A success report (RFC 3464) with the headers of the mail it is about."""
    fields = (
        f"Reporting-MTA: dns; operator.test\r\nOriginal-Envelope-Id: {letter.envelope.envid}\r\n\r\n"
        f"Original-Recipient: {recipient.orcpt or 'rfc822;' + recipient.address}\r\n"
        f"Final-Recipient: rfc822;{recipient.address}\r\nAction: delivered\r\nStatus: 2.1.5\r\n"
    )
    head = letter.content.partition(b"\r\n\r\n")[0]
    parts = (("message/delivery-status", fields.encode()), ("text/rfc822-headers", head + b"\r\n"))
    return _report("delivery-status", "Remis", parts, to=letter.envelope.sender)


def mdn(mail: Message, reader: str) -> bytes:
    """What a GP's software says once the letter was shown (RFC 8098)."""
    fields = (
        f"Reporting-UA: lps.gp.test; demo\r\nFinal-Recipient: rfc822;{reader}\r\n"
        f"Original-Message-ID: {mail['Message-ID']}\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n"
    )
    parts = (("message/disposition-notification", fields.encode()),)
    return _report("disposition-notification", "Lu", parts, to=str(mail["Disposition-Notification-To"]))


def _report(kind: str, words: str, parts: tuple[tuple[str, bytes], ...], *, to: str) -> bytes:
    """A multipart/report by hand: the standard library cannot write a delivery-status that it did not parse."""
    head = (
        f"From: MAILER-DAEMON@operator.test\r\nTo: {to}\r\nSubject: {words}\r\n"
        f"Date: {format_datetime(utc_now())}\r\nMessage-ID: {make_msgid(domain='operator.test')}\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="=-demo"\r\n'
    ).encode()
    bodies = [("text/plain; charset=utf-8", words.encode()), *parts]
    inside = b"".join(b"\r\n--=-demo\r\nContent-Type: %b\r\n\r\n%b\r\n" % (t.encode(), c) for t, c in bodies)
    return head + inside + b"\r\n--=-demo--\r\n"
