"""F9: kill -9 during each revision leaves the old shape or the new one, and every letter in it opens."""

from __future__ import annotations

from pathlib import Path

from tests.faults.migrating import found


async def test_f9_a_revision_killed_at_any_statement_leaves_the_old_or_the_new_shape(tmp_path: Path):
    told = await found(tmp_path, 6)
    assert told.kills >= 6 * told.revisions
    assert told.old
    assert told.new
    assert (told.between, told.unreadable) == ([], [])


async def test_f9_control_revisions_without_a_transaction_are_caught_between(tmp_path: Path):
    assert (await found(tmp_path, 2, torn=True)).between
