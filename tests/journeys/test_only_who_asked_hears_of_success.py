"""What the hospital's sender is told by mail of a letter that went well: what he asked for with NOTIFY, and no more."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from demo import letters
from gateway.letter import Proof
from tests.journeys.kit import Hospital, hospital, until
from tests.journeys.test_receipts_come_back import proofs
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]


async def hands_in(ward: Hospital, office: str, *notify: str, envid: str = "") -> None:
    """A mail of one page from the office, with its wishes."""
    mail = letters.secretary(office, letters.pdf("C", envid)).replace(b"demo-secretary@", f"{envid}@".encode())
    await ward.mail(mail, ward.gp.mailbox, sender=office, mail_options=[f"ENVID={envid}"], rcpt_options=list(notify))


def told(ward: Hospital) -> list[str]:
    return [row["code"] for row in ward.journal() if row["kind"] == "reported"]


def status(report: bytes) -> Message:
    """The fields about the one addressee, after those about the mail."""
    parts = message_from_bytes(report).walk()
    found = next(part for part in parts if part.get_content_type() == "message/delivery-status")
    general, addressee = found.get_payload()
    assert general["Original-Envelope-Id"] == "ASKED"
    return addressee


async def test_of_four_letters_that_arrive_the_sender_hears_of_the_one_he_asked_about(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str, another_mailbox: Callable[[], str]
):
    async with hospital(tmp_path, postfix, dovecot, gp=DELIVERED_GP, sender=hospital_mailbox) as ward:
        office = another_mailbox()
        for envid, notify in (("NEVER", "NOTIFY=NEVER"), ("FAILURE", "NOTIFY=FAILURE,DELAY"), ("SILENT", "")):
            await hands_in(ward, office, *([notify] if notify else []), envid=envid)
        await hands_in(ward, office, "NOTIFY=SUCCESS,FAILURE", envid="ASKED")
        await until(lambda: proofs(ward) == [Proof.DELIVERED] * 4)
        addressee = status(await ward.letter_in_mailbox(office))
        assert (addressee["Action"], addressee["Status"][:2]) == ("delivered", "2.")
        await until(lambda: told(ward) == ["delivered"])
        await ward.running.entrances.teller.tell()
        assert told(ward) == ["delivered"]
        assert len(dovecot.mails(office)) == 1


async def test_where_nobody_will_confirm_who_asked_hears_that_it_was_passed_on_and_nothing_of_delivery(
    ward: Hospital, another_mailbox: Callable[[], str]
):
    office = another_mailbox()
    await hands_in(ward, office, envid="SILENT")
    await hands_in(ward, office, "NOTIFY=SUCCESS", envid="ASKED")
    addressee = status(await ward.letter_in_mailbox(office))
    assert (addressee["Action"], addressee["Status"]) == ("relayed", "2.0.0")
    await until(lambda: proofs(ward) == [Proof.ACCEPTED] * 2)
    await until(lambda: told(ward) == ["relayed"])
    await ward.running.entrances.teller.tell()
    assert told(ward) == ["relayed"]
    assert proofs(ward) == [Proof.ACCEPTED] * 2, "and the proof is what it was"
