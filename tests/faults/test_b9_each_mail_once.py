"""B9: a mailbox is emptied once, whatever the network does; the full form is ``python -m tests.faults.run B9``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.mailroom import through_cuts
from tests.peers.dovecot import Dovecot

pytestmark = [pytest.mark.peer, pytest.mark.root, pytest.mark.timeout(300)]


async def test_b9_through_twelve_cuts_each_mail_is_one_letter_and_each_refusal_is_told_once(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    found = await through_cuts(tmp_path, dovecot, hospital_mailbox, mails=40, cuts=12)
    assert found.cuts >= 10
    assert (found.kept, found.missing, found.doubles) == (40, 0, 0)
    assert (found.told, found.told_twice) == (4, 0)


async def test_b9_control_without_the_record_mails_become_two_letters(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    found = await through_cuts(tmp_path, dovecot, hospital_mailbox, mails=20, cuts=9, remembers=False)
    assert found.missing == 0
    assert found.doubles + found.told_twice > 0
