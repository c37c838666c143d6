"""An installation for each journey."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from tests.journeys.kit import Hospital, hospital
from tests.peers.dovecot import Dovecot
from tests.peers.fixtures import HOSPITAL_DOMAIN, POOL
from tests.peers.postfix import Postfix

_from_above = count(POOL - 1, -1)


@pytest.fixture
async def ward(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """A hospital whose gateway runs, a GP with a key, and the real servers between them."""
    async with hospital(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox) as alive:
        yield alive


@pytest.fixture
def another_mailbox(dovecot: Dovecot) -> Callable[[], str]:
    """Gives a fresh mailbox of the hospital at each call (counted from above: the peers' own count from below)."""
    return lambda: f"service{next(_from_above)}@{HOSPITAL_DOMAIN}"
