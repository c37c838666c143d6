"""Postfix, Exim and OpenSMTPD as the next hop: what they take is opened by the GP, what they refuse is told."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from demo import letters
from gateway.queue.entries import ENTRY
from tests.interoperability.conftest import UNKNOWN
from tests.journeys.kit import Hospital, files_of, hospital, until
from tests.peers.dovecot import Dovecot

pytestmark = [pytest.mark.peer, pytest.mark.root]

HOPS = {
    "Postfix, STARTTLS": ("strict_postfix", "starttls"),
    "Postfix, implicit TLS": ("strict_postfix", "implicit"),
    "Exim, STARTTLS": ("exim", "starttls"),
    "Exim, implicit TLS": ("exim", "implicit"),
    "OpenSMTPD, stunnel before it": ("opensmtpd", "implicit"),
}
MANY = 12
TABLE = "As the next hop of sealed mails"


def cells(column: str) -> Any:  # a decorator
    found = [pytest.param(row, marks=pytest.mark.cell(TABLE, row, column), id=row) for row in HOPS]
    return pytest.mark.parametrize("row", found)


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str, row: str):
    """Opens a gateway whose operator is the server of this row."""
    name, tls = HOPS[row]
    server = request.getfixturevalue(name)

    def change(text: str) -> str:
        if tls == "implicit":
            text = text.replace(f"port = {server.port}\n", f'port = {server.tls_port}\ntls = "implicit"\n')
        return text

    return lambda gp: hospital(tmp_path, server, dovecot, gp=gp, sender=hospital_mailbox, change=change)


def written(ward: Hospital, kind: str) -> list[str]:
    with ward.running.store.reading() as connection:
        return list(connection.execute(select(ENTRY.c.code).where(ENTRY.c.kind == kind)).scalars())


@cells("delivered, opened with openssl")
async def test_a_letter_is_delivered_and_opened(opened, mailbox: str, row: str):
    pdf = letters.pdf("Consultation", "Bonjour")
    async with opened(mailbox) as ward:
        await ward.mail(letters.secretary("dpi@hospital.test", pdf), mailbox)
        assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == pdf


@cells("confirms delivery (RFC 3461)")
async def test_the_success_dsn_comes_back_and_is_matched(opened, mailbox: str, row: str):
    async with opened(mailbox) as ward:
        await ward.mail(letters.secretary("dpi@hospital.test", letters.pdf("A", "a")), mailbox)
        await until(lambda: {"dsn relayed", "dsn delivered"} & {*written(ward, "receipt")})


@cells("unknown mailbox: told to the sender")
async def test_a_refusal_is_final_and_told_to_the_sender(opened, hospital_mailbox: str, row: str):
    async with opened(UNKNOWN) as ward:
        await ward.mail(letters.secretary(hospital_mailbox, letters.pdf("A", "a")), UNKNOWN, sender=hospital_mailbox)
        await until(lambda: [delivery["state"] for delivery in ward.deliveries()] == ["failed"])
        told = await _report(ward, hospital_mailbox)
        assert b"Action: failed" in told
        assert b"Status: 5." in told


@cells(f"{MANY} letters over kept connections")
async def test_many_letters_each_arrive_once(opened, mailbox: str, row: str):
    async with opened(mailbox) as ward:
        handed_in = [letters.secretary("dpi@hospital.test", letters.pdf("A", f"letter {n}")) for n in range(MANY)]
        for mail in handed_in:
            await ward.mail(mail, mailbox)
        await ward.letter_in_mailbox(number=MANY - 1)
        mails = await asyncio.to_thread(ward.dovecot.mails, mailbox)
        assert len({message_from_bytes(mail)["Message-ID"] for mail in mails}) == len(mails) == MANY


async def _report(ward: Hospital, mailbox: str) -> bytes:
    """The DSN in the hospital's own mailbox (receipts are sorted out of the inbox into other folders)."""
    found: list[bytes] = []

    def there() -> bool:
        for folder in ("INBOX", "Processed", "Replies"):
            found.extend(mail for mail in ward.dovecot.mails(mailbox, folder) if b"Action: failed" in mail)
        return bool(found)

    await until(there)
    return found[0]
