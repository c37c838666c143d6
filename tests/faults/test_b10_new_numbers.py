"""B10: a server that gives every mail a new number makes nothing leave twice, nor do days without a move."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.mailroom import numbered_anew
from tests.peers.dovecot import Dovecot

pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.timeout(300)]


async def test_b10_after_four_days_without_moving_and_a_change_of_uidvalidity_nothing_is_taken_twice(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    assert await numbered_anew(tmp_path, dovecot, hospital_mailbox, mails=8) == (8, 0, 0)


async def test_b10_control_without_the_record_every_mail_leaves_again(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    kept, missing, doubles = await numbered_anew(tmp_path, dovecot, hospital_mailbox, mails=4, remembers=False)
    assert (kept, missing) == (4, 0)
    assert doubles >= 4
