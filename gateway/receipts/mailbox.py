"""Fetches receipts from the mailbox to which they come back, and sorts what comes there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

import structlog

from gateway.imap import FetchedMail, MailboxWatch, OversizedMail
from gateway.letter import Receipt
from gateway.receipts.reading import read_receipts

_log = structlog.get_logger(__name__)

OnReceipts = Callable[[tuple[Receipt, ...], bytes], Awaitable[None]]
OnMail = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where mails go: receipts once recorded, and what people (GPs) wrote, which waits for people to read it."""

    receipts: str = "Receipts"
    replies: str = "Replies"


class ReceiptMailbox:
    """Each mail is recorded, then moved. One that comes again has the same digest: a double changes nothing."""

    def __init__(
        self,
        watch: MailboxWatch,
        on_receipts: OnReceipts,
        folders: Folders | None = None,
        *,
        on_mail: OnMail | None = None,
    ) -> None:
        """``on_receipts`` gets what one mail says and the mail's SHA-256, and returns when that is committed.

        ``on_mail`` gets every mail as it came, once what it says is recorded.
        """
        self._watch = watch
        self._on_receipts = on_receipts
        self._folders = folders or Folders()
        self._on_mail = on_mail

    async def run(self) -> None:
        """For ever; a mail whose receipts cannot be recorded now is left and offered again."""
        await self._watch.sort(self.take)

    async def take(self, mail: FetchedMail | OversizedMail) -> str:
        """The folder for the mail, once what it says is recorded."""
        if isinstance(mail, OversizedMail):
            _log.warning("reply-oversized", uid=mail.uid, size=mail.size)
            return self._folders.replies
        folder = await self._sorted(mail)
        if self._on_mail is not None:
            await self._on_mail(mail.content)
        return folder

    async def _sorted(self, mail: FetchedMail) -> str:
        # A crafted mail takes a fraction of a second to read: not on the loop.
        receipts = await asyncio.to_thread(read_receipts, mail.content)
        digest = sha256(mail.content).digest()
        if not receipts:
            _log.info("reply-received", uid=mail.uid, digest=digest.hex())
            return self._folders.replies
        await self._on_receipts(receipts, digest)
        _log.info(
            "receipts-read", uid=mail.uid, digest=digest.hex(), kinds=[receipt.kind.value for receipt in receipts]
        )
        return self._folders.receipts
