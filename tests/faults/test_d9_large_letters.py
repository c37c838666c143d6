"""Promise D9 for large letters, short form: 10 MB by each door; `make faults` adds 25 MB and tells each door's figure.

The limit here is for a machine with much else to do; on a quiet one the target is 100 ms.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.large_letters import AT_ONCE, MOST, lag_of
from tests.peers.dovecot import Dovecot

LIMIT = 250.0
"""Milliseconds."""

pytestmark = pytest.mark.timeout(300)


async def test_d9_a_letter_of_10_mb_stops_the_loop_at_no_door(tmp_path: Path):
    lag = await lag_of(tmp_path, ["smtp", "mllp", "folder"], 10_000_000)
    assert lag <= LIMIT


async def test_d9_a_mail_of_10_mb_in_a_watched_mailbox_does_not_stop_the_loop(
    tmp_path: Path, dovecot: Dovecot, hospital_mailbox: str
):
    lag = await lag_of(tmp_path, ["imap"], 10_000_000, dovecot=dovecot, user=hospital_mailbox)
    assert lag <= LIMIT


async def test_d9_control_a_gateway_that_works_on_a_large_letter_at_once_is_seen(tmp_path: Path):
    lag = await lag_of(tmp_path, ["mllp"], MOST, entry=AT_ONCE)
    assert lag > LIMIT
