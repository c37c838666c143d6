"""An installation for each journey."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.kit import Hospital, hospital
from tests.peers.dovecot import Dovecot
from tests.peers.postfix import Postfix


@pytest.fixture
async def ward(
    tmp_path: Path, postfix: Postfix, dovecot: Dovecot, mailbox: str, hospital_mailbox: str
) -> AsyncIterator[Hospital]:
    """A hospital whose gateway runs, a GP with a key, and the real servers between them."""
    async with hospital(tmp_path, postfix, dovecot, gp=mailbox, sender=hospital_mailbox) as alive:
        yield alive
