# ruff: noqa: S608 (the statements are ours)
"""F4: whatever somebody without the keys does to the journal's lines, the audit names where."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.journal_note import Checkpoint, opened
from gateway.queue.auditing import Finding, Wrong
from tests.unit.evidence import journal_kit
from tests.unit.evidence.journal_kit import FIRST, LAST, SECOND, Journal


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return asyncio.run(journal_kit.signed(tmp_path_factory.mktemp("journal")))[0]


@pytest.fixture
def journal(base: Journal, tmp_path: Path) -> Journal:
    return base.copied(tmp_path / "copy")


SHIFT = ("UPDATE entry SET seq = -seq - 1 WHERE seq >= {at}", "UPDATE entry SET seq = -seq WHERE seq < 0")
FILL = ("UPDATE entry SET seq = -seq + 1 WHERE seq > {at}", "UPDATE entry SET seq = -seq WHERE seq < 0")
COLUMNS = "at, kind, letter_id, delivery_id, actor, code, words, hash, salt, leaf"
SWAP = (
    "UPDATE entry SET seq = -{a} WHERE seq = {a}",
    "UPDATE entry SET seq = {a} WHERE seq = {b}",
    "UPDATE entry SET seq = {b} WHERE seq = -{a}",
)


def swap(a: int, b: int) -> tuple[str, ...]:
    return tuple(step.format(a=a, b=b) for step in SWAP)


def put_in(at: int, like: int) -> tuple[str, ...]:
    """A copy of an earlier line before line ``at``; what follows moves on by one."""
    shifted = tuple(step.format(at=at) for step in SHIFT)
    return (*shifted, f"INSERT INTO entry (seq, {COLUMNS}) SELECT {at}, {COLUMNS} FROM entry WHERE seq = {like}")


HANDS: dict[str, tuple[tuple[str, ...], Wrong, set[int]]] = {
    "another moment": (("UPDATE entry SET at = at + 1 WHERE seq = 40",), Wrong.CHANGED, {40}),
    "another kind": (("UPDATE entry SET kind = 'receipt' WHERE seq = 1",), Wrong.CHANGED, {1}),
    "another letter": (("UPDATE entry SET letter_id = NULL WHERE seq = 256",), Wrong.CHANGED, {256}),
    "another delivery": (("UPDATE entry SET delivery_id = 'X' WHERE seq = 257",), Wrong.CHANGED, {257}),
    "another actor": (("UPDATE entry SET actor = 'dr who' WHERE seq = 310",), Wrong.CHANGED, {310}),
    "another code": (("UPDATE entry SET code = '550' WHERE seq = 41",), Wrong.CHANGED, {41}),
    "other words": (("UPDATE entry SET words = 'nothing' WHERE seq = 42",), Wrong.CHANGED, {42}),
    "two fields run into one": (
        ("UPDATE entry SET actor = actor || code, code = '' WHERE seq = 43",),
        Wrong.CHANGED,
        {43},
    ),
    "another salt": (("UPDATE entry SET salt = zeroblob(16) WHERE seq = 44",), Wrong.CHANGED, {44}),
    "another leaf": (("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 45",), Wrong.CHANGED, {45}),
    "another hash": (("UPDATE entry SET hash = zeroblob(32) WHERE seq = 46",), Wrong.CHANGED, {46}),
    "two of them": (("UPDATE entry SET code = '' WHERE seq IN (7, 300)",), Wrong.CHANGED, {7, 300}),
    "words taken away": (
        ("UPDATE entry SET salt = NULL, words = '', code = '', actor = '' WHERE seq = 47",),
        Wrong.BLANKED,
        {47},
    ),
    "made to look as of before": (
        ("UPDATE entry SET salt = NULL, leaf = NULL WHERE seq = 48",),
        Wrong.CHANGED,
        {48},
    ),
    "one removed": (("DELETE FROM entry WHERE seq = 50",), Wrong.REMOVED, {51}),
    "the first removed": (("DELETE FROM entry WHERE seq = 1",), Wrong.REMOVED, {2}),
    "ten removed": (("DELETE FROM entry WHERE seq BETWEEN 250 AND 259",), Wrong.REMOVED, {260}),
    "removed, and the numbers filled": (
        ("DELETE FROM entry WHERE seq = 50", *(step.format(at=50) for step in FILL)),
        Wrong.BROKEN,
        {50},
    ),
    "two neighbours change places": (swap(60, 61), Wrong.MOVED, {60}),
    "two far ones change places": (swap(60, 200), Wrong.MOVED, {60, 200}),
    "a copy put in": (put_in(70, 20), Wrong.INSERTED, {70}),
    "a copy of the neighbour put in": (put_in(70, 69), Wrong.INSERTED, {70}),
    "one put in at the end": (
        (f"INSERT INTO entry ({COLUMNS}) SELECT {COLUMNS} FROM entry WHERE seq = 5",),
        Wrong.BROKEN,
        {311},
    ),
}


@pytest.mark.parametrize("hand", HANDS)
def test_f4_each_entry_that_was_touched_is_named(journal: Journal, hand: str):
    steps, wrong, where = HANDS[hand]
    journal.sql(*steps)
    told = journal.audit().findings
    assert {each.seq for each in told if each.code is wrong} == where, told


def test_f4_control_the_journal_that_nobody_touched_is_whole(journal: Journal):
    found = journal.audit()
    assert (found.entries, found.erased, found.checkpoints, found.findings) == (LAST, 0, 2, ())


def test_f4_an_entry_that_was_forged_with_its_hashes_is_named_with_the_one_behind_it(journal: Journal):
    lines = journal.lines()
    journal.sql("UPDATE entry SET code = '250 forged' WHERE seq = 80")
    journal.follow()
    for line in lines[80:]:  # only this line's own hashes are new
        journal.sql(f"UPDATE entry SET hash = x'{line[8].hex()}' WHERE seq = {line[0]}")
    assert Finding(code=Wrong.BROKEN, seq=81, after=80) in journal.audit().findings


def test_f4_one_put_in_with_a_hash_that_follows_is_named(journal: Journal):
    before = journal.lines()
    journal.sql(*put_in(90, 20))
    journal.follow()
    for line in before[89:]:  # the hashes of those behind it are as they were
        journal.sql(f"UPDATE entry SET hash = x'{line[8].hex()}' WHERE seq = {line[0] + 1}")
    assert {each.seq for each in journal.audit().findings if each.code is Wrong.INSERTED} == {90}


@pytest.mark.parametrize("number", [1, 5])
def test_f4_a_tail_that_was_cut_off_is_counted(journal: Journal, number: int):
    journal.sql(f"DELETE FROM entry WHERE seq > {LAST - number}")
    assert journal.audit().findings == (Finding(code=Wrong.CUT, number=number),)


def test_f4_a_sealed_end_taken_away_is_told(journal: Journal):
    journal.sql("DELETE FROM journal_head")
    assert [each.code for each in journal.audit().findings] == [Wrong.END]


@pytest.mark.parametrize(
    ("seq", "tree", "checkpoint"), [(5, (0, 256), (0, FIRST)), (258, None, (0, FIRST)), (280, None, (FIRST, SECOND))]
)
def test_f4_a_journal_rewritten_throughout_is_told_by_the_stretch_that_was_signed(
    journal: Journal, seq: int, tree: tuple[int, int] | None, checkpoint: tuple[int, int]
):
    journal.sql(f"UPDATE entry SET actor = 'nobody' WHERE seq = {seq}")
    journal.follow()
    told = {each.code: (each.after, each.seq) for each in journal.audit().findings}
    assert told.pop(Wrong.END) == (0, 0)
    assert told == ({Wrong.TREE: tree} if tree else {}) | {Wrong.CHECKPOINT: checkpoint}


def test_f4_a_whole_older_database_is_found_out_by_a_checkpoint_that_was_kept(tmp_path: Path):
    journal = journal_kit.empty(tmp_path)

    async def grow(number: int) -> Checkpoint:
        with journal.store() as (store, checkpoints):
            await journal_kit.write(store, journal.clock, number)
            return opened(await checkpoints.sign(), checkpoints._vault.public_key())

    asyncio.run(grow(20))
    older = journal.copied(tmp_path / "older")
    kept = asyncio.run(grow(5))
    assert journal.audit(kept).findings == ()
    assert older.audit().findings == ()  # control: nothing in it tells
    assert older.audit(kept).findings == (Finding(code=Wrong.CHECKPOINT, after=20, number=25),)


def test_f4_a_checkpoint_that_somebody_else_wrote_into_the_database_is_told(journal: Journal):
    journal.sql("UPDATE journal_checkpoint SET note = replace(note, '260', '261') WHERE size = 260")
    assert journal.audit().findings == (Finding(code=Wrong.FORGED, number=FIRST),)


def test_f4_the_tree_kept_beside_the_journal_is_held_against_it(journal: Journal):
    journal.sql("UPDATE journal_tile SET hash = zeroblob(32)")
    assert journal.audit().findings == (Finding(code=Wrong.TREE, seq=256, number=256),)


def test_f4_words_that_were_taken_away_without_an_erasure_are_named(journal: Journal):
    blank = "UPDATE entry SET salt = NULL, words = '', code = '', letter_id = NULL, delivery_id = NULL WHERE seq IN "
    journal.sql(f"{blank}(30, 31)")
    assert [(each.code, each.seq) for each in journal.audit().findings] == [(Wrong.BLANKED, 30), (Wrong.BLANKED, 31)]
