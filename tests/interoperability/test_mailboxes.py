"""Dovecot as the mailbox that letters and receipts come from, and the clients that a GP reads with."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from pathlib import Path

import pytest

from demo import letters
from tests.journeys.kit import Hospital, files_of, hospital
from tests.journeys.test_neomutt_at_the_practice import at_the_practice
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

MAILBOX, CLIENT = "As the mailbox of letters and receipts", "A letter on its whole road, at the GP's"


@pytest.mark.cell(MAILBOX, "Dovecot", "a letter fetched, sealed, moved to Taken")
async def test_a_letter_is_fetched_from_a_mailbox(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
):
    watched = f"gp{900 + int(mailbox[2:].partition('@')[0]) % 99}@gp.test"
    section = f'\n[imap]\nhost = "localhost"\nport = {dovecot.imaps_port}\nuser = "{watched}"\npoll_seconds = 1.0\n'
    section += f'ca = "{dovecot.authority.roots}"\n'
    opening = hospital(
        tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox, change=lambda text: text + section
    )
    async with opening as ward:
        pdf = letters.pdf("Consultation", "Bonjour")
        mail = letters.secretary("dpi@hospital.test", pdf).replace(letters.GP_MAILBOX.encode(), mailbox.encode())
        await asyncio.to_thread(dovecot.deliver, watched, mail, "dpi@hospital.test")
        assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == pdf
        await ward.letter_in_mailbox(watched, folder="Taken")


@pytest.mark.cell(MAILBOX, "Dovecot", "receipts read and moved to Processed")
async def test_a_receipt_is_read(ward: Hospital):
    await ward.mail(letters.secretary("dpi@hospital.test", letters.pdf("A", "a")), ward.gp.mailbox)
    await ward.letter_in_mailbox(ward.sender, folder="Processed")


@pytest.mark.cell(MAILBOX, "Dovecot", "a connection that is cut is opened again")
async def test_a_session_that_is_cut_comes_back(ward: Hospital):
    await asyncio.to_thread(ward.dovecot.kick, ward.sender)
    await ward.mail(letters.secretary("dpi@hospital.test", letters.pdf("A", "a")), ward.gp.mailbox)
    await ward.letter_in_mailbox(ward.sender, folder="Processed")


@pytest.mark.cell(CLIENT, "neomutt", "S/MIME: text, good signature, PDF")
async def test_neomutt_opens_a_letter(ward: Hospital):
    pdf = letters.pdf("Lettre de liaison", "Évolution favorable.")
    await ward.mail(letters.secretary("dpi@hospital.test", pdf), ward.gp.mailbox)
    seen = await at_the_practice(ward)
    assert "CMS Verification successful" in seen.screen
    assert files_of(message_from_bytes(seen.decrypted))["pdf"] == pdf


@pytest.mark.cell(CLIENT, "OpenSSL", "S/MIME: text, good signature, PDF")
async def test_openssl_opens_a_letter(ward: Hospital):
    pdf = letters.pdf("Lettre de liaison", "Évolution favorable.")
    await ward.mail(letters.secretary("dpi@hospital.test", pdf), ward.gp.mailbox)
    assert files_of(ward.gp.open_with_openssl(await ward.letter_in_mailbox()))["pdf"] == pdf
