"""The mailbox of receipts on a real Dovecot: recorded, then sorted; what GPs wrote is kept for people."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.errors import StorageUnavailable
from gateway.imap import Account, MailboxWatch, OversizedMail, Pace
from gateway.letter import Receipt
from gateway.receipts.mailbox import Folders, ReceiptMailbox
from tests.peers.dovecot import Dovecot


class Recorder:
    """Commits in memory; the first commit fails."""

    def __init__(self) -> None:
        self.recorded: dict[bytes, tuple[Receipt, ...]] = {}
        self.calls = 0

    async def __call__(self, receipts: tuple[Receipt, ...], digest: bytes) -> None:
        self.calls += 1
        if self.calls == 1:
            raise StorageUnavailable("locked")
        self.recorded[digest] = receipts


@pytest.mark.peer
@pytest.mark.root
async def test_receipts_are_recorded_and_moved_and_replies_are_kept_for_people(
    dovecot: Dovecot, hospital_mailbox: str, vectors: Path
) -> None:
    contents = [path.read_bytes() for path in sorted((vectors / "receipts").glob("*.eml"))]
    reply = b"From: gp@gp.test\r\nSubject: Re: lettre\r\n\r\nMerci\r\n"
    for content in (*contents, reply):
        await asyncio.to_thread(dovecot.deliver, hospital_mailbox, content)
    context = ssl.create_default_context(cafile=str(dovecot.authority.roots))
    watch = MailboxWatch(
        Account(
            name="receipts",
            host=dovecot.host,
            port=dovecot.imaps_port,
            user=hospital_mailbox,
            password=dovecot.password,
            context=context,
            server_name="mx.test",
        ),
        pace=Pace(again=0.1),
    )
    recorder = Recorder()
    task = asyncio.create_task(ReceiptMailbox(watch, recorder).run())
    async with asyncio.timeout(60):
        while await asyncio.to_thread(dovecot.mails, hospital_mailbox):  # noqa: ASYNC110 - a mailbox has no event
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    processed = await asyncio.to_thread(dovecot.mails, hospital_mailbox, "Receipts")
    assert Counter(r.kind.value for receipts in recorder.recorded.values() for r in receipts) == {
        "delivered": 2,
        "failed": 1,
        "processed": 2,
        "integrated": 2,
        "not-integrated": 3,
    }
    assert {sha256(content).digest() for content in processed} == set(recorder.recorded)
    [kept] = await asyncio.to_thread(dovecot.mails, hospital_mailbox, "Replies")
    assert kept.endswith(b"Merci\r\n")


async def test_a_mail_too_large_to_fetch_waits_for_people() -> None:
    mailbox = ReceiptMailbox(None, Recorder(), Folders(replies="À lire"))  # type: ignore[arg-type]
    assert await mailbox.take(OversizedMail(uidvalidity=1, uid=1, size=10**9)) == "À lire"
