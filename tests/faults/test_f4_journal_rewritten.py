"""F4: who can write the database but has no key cannot have a rewritten journal sealed by the next start."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway import journal_tree as tree
from gateway.crypto.vault import create_master_key
from gateway.queue import entries
from tests.faults.test_f2_keys import Here, opened
from tests.unit.queue.conftest import Clock
from tests.unit.queue.letters import letter

LINES = "SELECT seq, at, kind, letter_id, delivery_id, actor, code, words, hash, salt, leaf FROM entry ORDER BY seq"


@pytest.fixture
async def here(tmp_path: Path) -> Here:
    create_master_key(tmp_path / "master-key")
    made = opened(tmp_path, Clock())
    for _ in range(4):
        await made.store.keep(letter())
    made.store.close()
    return made


async def test_f4_a_journal_rewritten_between_two_starts_is_noticed_after_new_lines(here: Here):
    _rewrite(here)
    assert await _after_new_lines(here)


async def test_f4_a_sealed_end_that_was_taken_away_is_not_made_anew(here: Here):
    _rewrite(here, "DELETE FROM journal_head")
    assert await _after_new_lines(here)


async def test_f4_a_sealed_end_that_was_changed_with_the_journal_is_not_sealed_anew(here: Here):
    _rewrite(here, "UPDATE journal_head SET hash = (SELECT hash FROM entry ORDER BY seq DESC LIMIT 1)")
    assert await _after_new_lines(here)


async def test_f4_control_a_journal_that_nobody_touched_is_whole_after_new_lines(here: Here):
    assert await _after_new_lines(here) == []


async def _after_new_lines(here: Here) -> list[str]:
    """What is wrong once the gateway has written on, twice."""
    for _ in range(2):
        again = opened(here.folder, here.clock)
        await again.store.keep(letter())
        wrong = again.wrong()
        again.store.close()
    return wrong


def _rewrite(here: Here, also: str = "") -> None:
    """Change a line, and make its leaf and every later hash follow from it."""
    with closing(sqlite3.connect(here.folder / "data" / "huitaine.db")) as connection, connection:
        connection.execute("UPDATE entry SET actor = 'somebody else' WHERE seq = 2")
        follow(connection)
        connection.execute(also)


def follow(connection: sqlite3.Connection) -> None:
    """Make every leaf and every hash anew from the words, as somebody without the keys can."""
    last = entries.START
    for line in connection.execute(LINES).fetchall():
        leaf = tree.leaf(line[9] + tree.written(line[1:8])) if line[9] is not None else line[10]
        last = entries.expected(last, (*line[:10], leaf))
        connection.execute("UPDATE entry SET leaf = ?, hash = ? WHERE seq = ?", (leaf, last, line[0]))
