"""What comes back is believed exactly as far as it proves something: DSN, MDN, bounces, replies and forgeries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from demo import letters
from gateway.delays.figures import LegName
from gateway.letter import Proof
from gateway.queue.entries import ENTRY
from tests.journeys.kit import Hospital, hospital, until
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def mdn(letter: Message, *, reader: str, message_id: str = "", disposition: str = "displayed") -> bytes:
    """The receipt that a mail client sends when its owner opens ``letter`` (RFC 8098 §3)."""
    return (
        f"From: {reader}\r\nTo: {letter['Disposition-Notification-To']}\r\n"
        f"Date: {format_datetime(datetime.now(UTC))}\r\n"
        "Subject: Read\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nThe message was displayed.\r\n"
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Reporting-UA: client.gp.test; Client 1.0\r\nFinal-Recipient: rfc822;{reader}\r\n"
        f"Original-Message-ID: {message_id or letter['Message-ID']}\r\n"
        f"Disposition: manual-action/MDN-sent-manually; {disposition}\r\n--b--\r\n"
    ).encode()


def bounce(letter: Message, *, addressee: str) -> bytes:
    """A failure report of a mail server (RFC 3464 §2)."""
    return (
        "From: MAILER-DAEMON@mx.test\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        f"Date: {format_datetime(datetime.now(UTC))}\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822;{addressee}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {letter['Message-ID']}\r\n\r\n--b--\r\n"
    ).encode()


def proofs(ward: Hospital) -> list[Proof]:
    return [Proof(row["proof"]) for row in ward.deliveries()]


def unmatched(ward: Hospital) -> list[str]:
    with ward.running.store.reading() as connection:
        return list(connection.execute(select(ENTRY.c.code).where(ENTRY.c.kind == "receipt-unmatched")).scalars())


async def sent(ward: Hospital, *, sender: str = "dpi@hospital.test") -> Message:
    """A letter of one page, in the GP's mailbox, its acceptance written down (it may lie there a moment before)."""
    await ward.mail(letters.secretary(sender, letters.pdf("C", "c")), ward.gp.mailbox, sender=sender)
    mail = message_from_bytes(await ward.letter_in_mailbox())
    await until(lambda: Proof.NONE not in proofs(ward))
    return mail


async def comes_back(ward: Hospital, mail: bytes, *, folder: str = "Processed") -> None:
    """The mail lies in the receipts mailbox and the gateway has sorted it into ``folder``.

    Counted by its own body: Postfix sends receipts of its own to the same mailbox at times of its own.
    """
    body = mail.replace(b"\r\n", b"\n").partition(b"\n\n")[2]

    def copies() -> int:
        return sum(body in each.replace(b"\r\n", b"\n") for each in ward.dovecot.mails(ward.sender, folder))

    before = await asyncio.to_thread(copies)
    await asyncio.to_thread(ward.dovecot.deliver, ward.sender, mail)
    await until(lambda: copies() > before)


async def discharged(ward: Hospital, mailbox: str) -> Message:
    """A stay that ended yesterday, and its letter in the GP's mailbox, its acceptance written down."""
    before = len(ward.dovecot.mails(mailbox))
    admitted, left = NOW - 5 * DAY, NOW - DAY
    await ward.hl7(letters.adt("A01", "A1", admitted, admitted, None))
    await ward.hl7(letters.adt("A03", "A2", left, admitted, left))
    message = letters.mdm("DOC1", NOW, admitted, left, letters.pdf("Lettre de liaison", "x"))
    assert "MSA|AA" in await ward.hl7(message.replace(letters.GP_MAILBOX.encode(), mailbox.encode()))
    mail = message_from_bytes(await ward.letter_in_mailbox(mailbox, number=before))
    await until(lambda: Proof.NONE not in proofs(ward))
    return mail


@pytest.fixture
async def confirming(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """A hospital whose GP's mail server confirms delivery."""
    async with hospital(tmp_path, postfix, dovecot, gp=DELIVERED_GP, sender=hospital_mailbox) as alive:
        yield alive


@pytest.fixture
async def moved_away(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """A hospital whose GP's mailbox does not exist: Postfix takes the mail and Dovecot refuses it afterwards."""
    gone = f"moved-away-{mailbox}"
    async with hospital(tmp_path, postfix, dovecot, gp=gone, sender=hospital_mailbox) as alive:
        yield alive


async def test_a_letter_climbs_from_accepted_to_delivered_to_displayed_and_the_report_shows_each_leg(
    confirming: Hospital,
):
    letter = await discharged(confirming, DELIVERED_GP)
    await until(lambda: Proof.DELIVERED in proofs(confirming))
    await confirming.letter_in_mailbox(confirming.sender, folder="Processed")  # the DSN of Postfix
    legs = confirming.report().total.legs
    assert legs[LegName.SENT_TO_DELIVERED].median_seconds is not None
    assert legs[LegName.DELIVERED_TO_READ].median_seconds is None
    await comes_back(confirming, mdn(letter, reader=DELIVERED_GP))
    assert proofs(confirming) == [Proof.DISPLAYED]
    total = confirming.report().total
    assert total.legs[LegName.DELIVERED_TO_READ].median_seconds is not None
    assert (total.stays, total.in_time) == (1, 1)


async def test_a_relay_that_will_say_no_more_proves_no_more_than_acceptance(ward: Hospital):
    await discharged(ward, ward.gp.mailbox)
    dsn = await ward.letter_in_mailbox(ward.sender, folder="Processed")
    assert b"Action: relayed" in dsn
    assert proofs(ward) == [Proof.ACCEPTED]
    assert ward.report().total.legs[LegName.SENT_TO_DELIVERED].median_seconds is None


async def test_the_same_receipt_twice_is_written_down_and_changes_nothing(ward: Hospital):
    letter = await sent(ward)
    receipt = mdn(letter, reader=ward.gp.mailbox)
    await comes_back(ward, receipt)
    assert proofs(ward) == [Proof.DISPLAYED]
    await comes_back(ward, receipt)
    assert proofs(ward) == [Proof.DISPLAYED]
    told = [entry["words"] for entry in ward.journal() if entry["code"] == "mdn displayed"]
    assert told == ["raised", "double"]


async def test_a_letter_deleted_unread_is_not_called_read(ward: Hospital):
    letter = await sent(ward)
    await comes_back(ward, mdn(letter, reader=ward.gp.mailbox, disposition="deleted"))
    assert proofs(ward) == [Proof.DELIVERED]


async def test_a_receipt_for_another_addressee_or_an_unknown_letter_changes_nothing(ward: Hospital):
    letter = await sent(ward)
    await until(lambda: proofs(ward) == [Proof.ACCEPTED])
    ours = letter["Message-ID"]
    _, attempt, tag = ours.strip("<>").partition("@")[0].split(".")
    forged_tag = ours.replace(tag, "0" * len(tag))
    for message_id in (forged_tag, ours.replace(f".{attempt}.", ".7."), "<1@elsewhere.test>"):
        await comes_back(ward, mdn(letter, reader=ward.gp.mailbox, message_id=message_id))
    await comes_back(ward, mdn(letter, reader="somebody.else@gp.test"))
    await comes_back(ward, bounce(letter, addressee="somebody.else@gp.test"))
    assert [code.split()[1] for code in unmatched(ward)] == 3 * ["unknown-message-id"] + 2 * ["other-addressee"]
    [row] = ward.deliveries()
    assert (row["proof"], row["state"]) == (Proof.ACCEPTED, "done")
    # The control: the true one counts.
    await comes_back(ward, mdn(letter, reader=ward.gp.mailbox))
    assert proofs(ward) == [Proof.DISPLAYED]


async def test_a_failure_report_after_the_gp_has_read_the_letter_changes_nothing(ward: Hospital):
    letter = await sent(ward)
    await comes_back(ward, mdn(letter, reader=ward.gp.mailbox))
    await comes_back(ward, bounce(letter, addressee=ward.gp.mailbox))
    [row] = ward.deliveries()
    assert (row["proof"], row["state"]) == (Proof.DISPLAYED, "done")
    assert [entry["words"] for entry in ward.journal() if entry["code"] == "dsn failed"] == ["contradiction"]


async def test_what_a_gp_writes_himself_goes_to_replies_for_people_to_read(ward: Hospital):
    letter = await sent(ward)
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = ward.gp.mailbox, ward.sender, f"Re: {letter['Subject']}"
    reply["In-Reply-To"] = letter["Message-ID"]
    reply.set_content("Merci, je le revois mardi.")
    await comes_back(ward, reply.as_bytes(), folder="Replies")
    assert not ward.dovecot.mails(ward.sender)
    assert proofs(ward) == [Proof.ACCEPTED]


async def test_a_bounce_after_the_250_is_a_failure_and_the_hospital_is_told_without_a_name(
    moved_away: Hospital, another_mailbox: Callable[[], str]
):
    office = another_mailbox()
    mail = letters.hprim_mail(letters.hprim_lab(NOW)).replace(b"secretary@hospital.test", office.encode())
    assert "Queued as" in await moved_away.mail(mail, f"{letters.GP}@rpps.hospital.test", sender=office)
    await until(lambda: [row["state"] for row in moved_away.deliveries()] == ["failed"])
    told = await moved_away.letter_in_mailbox(office)
    report = message_from_bytes(told)
    assert report.get_content_type() == "multipart/report"
    fields = next(part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    assert fields.get_payload()[1]["Action"] == "failed"
    assert fields.get_payload()[1]["Status"].startswith("5.")
    assert fields.get_payload()[1]["Final-Recipient"] == f"rfc822;{letters.GP}@rpps.hospital.test"
    assert b"<demo-lab@hospital.test>" in told  # the hospital's own Message-ID
    readable = b"".join(part.get_payload(decode=True) or b"" for part in report.walk())
    for secret in (b"TESTINI", b"AMELIE", "Résultats".encode(), b"11,4", moved_away.gp.mailbox.encode()):
        assert secret not in told
        assert secret not in readable
    [row] = moved_away.deliveries()
    assert row["proof"] == Proof.ACCEPTED


async def test_a_failed_letter_counts_as_never_sent_in_the_delay_report(moved_away: Hospital):
    admitted, left = NOW - 20 * DAY, NOW - 15 * DAY
    await moved_away.hl7(letters.adt("A01", "A1", admitted, admitted, None))
    await moved_away.hl7(letters.adt("A03", "A2", left, admitted, left))
    message = letters.mdm("DOC1", NOW, admitted, left, letters.pdf("Lettre de liaison", "x"))
    await moved_away.hl7(message.replace(letters.GP_MAILBOX.encode(), moved_away.gp.mailbox.encode()))
    await until(lambda: [row["state"] for row in moved_away.deliveries()] == ["failed"])
    total = moved_away.report().total
    assert (total.stays, total.never_sent, total.late, total.in_time) == (1, 1, 0, 0)
