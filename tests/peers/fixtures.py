"""Fixtures of the real peers, started once per session; loaded as the plugin ``tests.peers.fixtures``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.peers.authority import Authority, make_authority
from tests.peers.dovecot import Dovecot, running_dovecot
from tests.peers.postfix import Chain, Postfix, running_postfix
from tests.peers.running import open_folder

GP_DOMAIN = "gp.test"
HOSPITAL_DOMAIN = "hospital.test"
DELIVERED_GP = f"delivered@{GP_DOMAIN}"
"""The GP whose success DSN says ``delivered``; every other one's says ``relayed`` (Postfix over LMTP)."""

POOL = 1000
"""How many mailboxes of each kind exist from the start: Dovecot sees a new user only after a while."""

_gps, _services = count(1), count(1)
"""Two, so that a session has twice as many; other tests count from above and from the middle."""


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    """Certificates for the peers, in a folder that their users can read."""
    with open_folder("authority") as folder:
        yield make_authority(folder)


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    """One Dovecot for the session; ask :func:`mailbox` for an empty mailbox of your own."""
    gps = [f"gp{number}@{GP_DOMAIN}" for number in range(1, POOL)]
    services = [f"service{number}@{HOSPITAL_DOMAIN}" for number in range(1, POOL)]
    with running_dovecot(authority, [*gps, *services, DELIVERED_GP]) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(authority: Authority, dovecot: Dovecot) -> Iterator[Postfix]:
    """One Postfix for the session: takes mail for gp.test and hospital.test, hands it to the Dovecot, sends DSNs."""
    mailboxes = {GP_DOMAIN: dovecot.lmtp_port, HOSPITAL_DOMAIN: dovecot.lmtp_port}
    maildirs = {DELIVERED_GP: dovecot.maildir(DELIVERED_GP)}
    with running_postfix(authority, Chain(mailboxes=mailboxes, maildirs=maildirs)) as server:
        yield server


@pytest.fixture
def mailbox(dovecot: Dovecot) -> str:
    """A GP's fresh, empty mailbox on the session's Dovecot."""
    return f"gp{next(_gps)}@{GP_DOMAIN}"


@pytest.fixture
def hospital_mailbox(dovecot: Dovecot) -> str:
    """A hospital's fresh, empty mailbox on the session's Dovecot."""
    return f"service{next(_services)}@{HOSPITAL_DOMAIN}"
