"""The servers of the matrix, each started once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.journeys.kit import Hospital, hospital
from tests.peers.authority import Authority
from tests.peers.dovecot import Dovecot
from tests.peers.exim import Duties, Exim, running_exim
from tests.peers.fixtures import GP_DOMAIN, HOSPITAL_DOMAIN
from tests.peers.opensmtpd import OpenSmtpd, running_opensmtpd
from tests.peers.postfix import Chain, Postfix, running_postfix

UNKNOWN = f"unknown@{GP_DOMAIN}"


def duties(dovecot: Dovecot) -> Duties:
    """Both domains lie on the Dovecot; one address is refused at RCPT."""
    return Duties(mailboxes=dict.fromkeys((GP_DOMAIN, HOSPITAL_DOMAIN), dovecot.lmtp_port), refused=[UNKNOWN])


@pytest.fixture(scope="session")
def exim(authority: Authority, dovecot: Dovecot) -> Iterator[Exim]:
    with running_exim(authority, duties(dovecot)) as server:
        yield server


@pytest.fixture(scope="session")
def opensmtpd(authority: Authority, dovecot: Dovecot) -> Iterator[OpenSmtpd]:
    with running_opensmtpd(authority, duties(dovecot)) as server:
        yield server


@pytest.fixture(scope="session")
def strict_postfix(authority: Authority, dovecot: Dovecot) -> Iterator[Postfix]:
    """As the session's Postfix, and it refuses the unknown address at RCPT."""
    mailboxes = dict.fromkeys((GP_DOMAIN, HOSPITAL_DOMAIN), dovecot.lmtp_port)
    refused = {
        "smtpd_recipient_restrictions": f"check_recipient_access inline:{{{{{UNKNOWN}=550 5.1.1 Unknown}}}}, permit"
    }
    with running_postfix(authority, Chain(mailboxes=mailboxes, settings=refused)) as server:
        yield server


@pytest.fixture
async def ward(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """A hospital whose gateway runs, a GP with a key, and the real servers behind them."""
    async with hospital(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox) as alive:
        yield alive
