"""The peers themselves: if these fail, every test that leans on a real server is in doubt."""

from __future__ import annotations

import smtplib
import ssl
import time

import pytest

from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import DELIVERED_GP
from tests.peers.postfix import Postfix

pytestmark = [pytest.mark.peer, pytest.mark.root]

MAIL = b"Subject: lettre\r\nMessage-ID: <1@hospital.test>\r\n\r\nBonjour\r\n"


def _send(postfix: Postfix, sender: str, addressee: str) -> None:
    context = ssl.create_default_context(cafile=str(postfix.authority.roots))
    with smtplib.SMTP("localhost", postfix.port, local_hostname="gateway.test") as client:
        client.starttls(context=context)
        client.ehlo()
        client.mail(sender, ["RET=HDRS", "ENVID=abc"])
        client.rcpt(addressee, ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{addressee}"])
        assert client.data(MAIL)[0] == 250


def _wait_for_mail(dovecot: Dovecot, user: str, words: bytes = b"") -> bytes:
    """The first mail that holds ``words``: a mailbox that several tests share may hold others."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := [mail for mail in dovecot.mails(user) if words in mail]:
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail for {user}\n{dovecot.log}")


def test_postfix_hands_a_mail_to_dovecot_and_reports_it_relayed(
    postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> None:
    _send(postfix, hospital_mailbox, mailbox)
    assert b"Bonjour" in _wait_for_mail(dovecot, mailbox)
    assert b"Action: relayed" in _wait_for_mail(dovecot, hospital_mailbox)


def test_postfix_fills_a_maildir_itself_and_reports_it_delivered(
    postfix: Postfix, dovecot: Dovecot, hospital_mailbox: str
) -> None:
    _send(postfix, hospital_mailbox, DELIVERED_GP)
    assert _wait_for_mail(dovecot, DELIVERED_GP, b"Bonjour")
    assert b"Action: delivered" in _wait_for_mail(dovecot, hospital_mailbox)


def test_dovecot_forgets_its_uids_when_told(dovecot: Dovecot, mailbox: str) -> None:
    dovecot.deliver(mailbox, MAIL)
    before = dovecot.doveadm("mailbox", "status", "-u", mailbox, "uidvalidity", "INBOX")
    time.sleep(1.1)  # a UIDVALIDITY is the second in which the index was made
    dovecot.forget_uids(mailbox)
    assert dovecot.doveadm("mailbox", "status", "-u", mailbox, "uidvalidity", "INBOX") != before
    assert len(dovecot.mails(mailbox)) == 1
