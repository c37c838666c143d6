"""Many HL7 senders at once, and large ones; the full form is ``python -m tests.faults.run MLLP``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.crowd import crowd, large, small

pytestmark = pytest.mark.timeout(300)


async def test_a_hundred_and_fifty_senders_at_once_are_all_answered_aa(tmp_path: Path):
    told = await crowd(tmp_path, small(150))
    assert (told.taken, told.unanswered, told.kept) == (150, 0, 150)


async def test_control_senders_for_whom_there_is_no_place_are_counted(tmp_path: Path):
    told = await crowd(tmp_path, small(30), places=10)
    assert told.unanswered > 0
    assert told.kept == told.taken


async def test_messages_of_ten_megabytes_are_answered_aa_in_bounded_memory(tmp_path: Path):
    told = await crowd(tmp_path, large(3))
    assert (told.taken, told.unanswered, told.kept) == (3, 0, 3)
    assert told.peak_memory - told.idle_memory < 400 << 20
