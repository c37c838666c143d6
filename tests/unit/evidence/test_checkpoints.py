"""The tree grows behind the journal, is signed in time, and never over what somebody else wrote."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway import journal_tree
from gateway.errors import JournalRefused, StorageUnavailable
from gateway.journal_note import opened
from gateway.queue import entries, tiles
from gateway.queue.store import Store
from gateway.service.journal.checkpoints import Checkpoints
from tests.faults.migrating import of_version_0_1, unreadable
from tests.unit.evidence import journal_kit
from tests.unit.evidence.journal_kit import Journal
from tests.unit.queue.conftest import Clock


@pytest.fixture
def made(tmp_path: Path) -> Journal:
    return journal_kit.empty(tmp_path)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subtrees of four instead of 256: three layers of them in a hundred entries."""
    monkeypatch.setattr(tiles, "HEIGHT", 2)
    monkeypatch.setattr(tiles, "WIDTH", 4)


def noted(store: Store) -> list[tuple[int, str]]:
    with store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT size, note FROM journal_checkpoint ORDER BY size")
        return [(row[0], row[1]) for row in rows]


def leaves(store: Store) -> list[bytes]:
    with store.reading() as connection:
        return [entries.leaf_of(line) for line in entries.told(connection)]


def rooted(hashes: list[bytes]) -> bytes:
    return journal_tree.root(
        len(hashes), lambda height, index: journal_tree.peak(hashes[index << height : (index + 1) << height])
    )


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("steps", [(3, 1, 12, 1, 50, 20), (67,)])
async def test_the_kept_tree_gives_the_root_of_every_size_and_the_place_of_every_line(
    made: Journal, steps: tuple[int, ...]
):
    with made.store() as (store, checkpoints):
        for step in steps:
            await journal_kit.write(store, made.clock, step)
            note = await checkpoints.sign()
        hashes = leaves(store)
        assert opened(note, checkpoints._vault.public_key()).root == rooted(hashes)
        with store.reading() as connection:
            tree = tiles.StoredTree(connection)
            assert [tree.root(size) for size in range(len(hashes) + 1)] == [
                rooted(hashes[:size]) for size in range(len(hashes) + 1)
            ]
            assert [tree.place(line[0]) for line in entries.told(connection)] == list(range(len(hashes)))


async def test_a_checkpoint_is_signed_each_hour_when_something_was_journaled(made: Journal):
    with made.store() as (store, checkpoints):
        await checkpoints.checkpoint()
        assert noted(store) == []  # nothing to sign
        for minutes, sizes in ((0, [5]), (59, [5]), (1, [5, 15]), (61, [5, 15, 20])):
            made.clock.forward(minutes=minutes)
            await journal_kit.write(store, made.clock, 5)
            await checkpoints.checkpoint()
            assert [size for size, _ in noted(store)] == sizes
        made.clock.forward(minutes=61)
        await checkpoints.checkpoint()
        assert [size for size, _ in noted(store)] == [5, 15, 20]


async def test_a_clock_that_was_set_back_does_not_stop_the_signing(made: Journal):
    with made.store() as (store, checkpoints):
        await journal_kit.write(store, made.clock, 5)
        await checkpoints.checkpoint()
        made.clock.forward(days=-3)
        await journal_kit.write(store, made.clock, 5)
        await checkpoints.checkpoint()
        assert [size for size, _ in noted(store)] == [5, 10]


async def test_asked_twice_for_the_same_journal_it_gives_the_same_checkpoint(made: Journal):
    with made.store() as (store, checkpoints):
        await journal_kit.write(store, made.clock, 300)
        first = await checkpoints.sign()
        assert await checkpoints.sign() == first
        assert [size for size, _ in noted(store)] == [300]


async def test_checkpoints_and_the_key_are_written_to_the_folder_and_never_over(made: Journal, tmp_path: Path):
    folder = tmp_path / "elsewhere"
    with made.store() as (store, _):
        every = timedelta(hours=1)
        checkpoints = Checkpoints(
            store, store._vault, domain="hospital.test", clock=made.clock, every=every, folder=folder
        )
        await journal_kit.write(store, made.clock, 5)
        with pytest.raises(StorageUnavailable, match="Storage unavailable"):
            await checkpoints.checkpoint()
        folder.mkdir()
        await checkpoints.checkpoint()
        (note,) = folder.glob("*.checkpoint")
        assert note.read_text() == noted(store)[0][1]
        assert note.name.startswith("000000000005-")
        assert (folder / "journal.vkey").read_text() == f"{checkpoints.verifier_key}\n"
        note.write_text("somebody else's")
        await checkpoints.checkpoint()
        assert note.read_text() == "somebody else's"


@pytest.mark.parametrize(
    ("hand", "why"),
    [
        ("UPDATE entry SET words = 'x' WHERE seq = 3", "line 3 was changed"),
        ("UPDATE entry SET words = 'x' WHERE seq = 299", "line 299 was changed"),
        ("DELETE FROM entry WHERE seq = 300", "does not end as it was sealed"),
        ("DELETE FROM journal_head", "does not end as it was sealed"),
        ("DELETE FROM entry WHERE seq = 9", "line 10 was changed, or does not follow"),
    ],
)
async def test_what_somebody_else_wrote_is_never_signed(made: Journal, hand: str, why: str):
    with made.store() as (store, _):
        await journal_kit.write(store, made.clock, 300)
    made.sql(hand)
    with made.store() as (store, checkpoints):
        with pytest.raises(JournalRefused) as refused:
            await checkpoints.sign()
        assert why in refused.value.detail
        assert noted(store) == []


async def test_a_journal_rewritten_under_a_checkpoint_is_never_signed_again(made: Journal):
    """With the sealed end made anew by hands that hold its key, as after a break-in."""
    with made.store() as (store, checkpoints):
        await journal_kit.write(store, made.clock, 20)
        await checkpoints.sign()
    made.sql("UPDATE entry SET code = '250 invented' WHERE seq = 11")
    made.follow()
    with made.store() as (store, checkpoints):
        last = made.lines()[-1][8]
        seal = checkpoints._vault.vouch(b"huitaine journal 20\0" + last)
        made.sql(f"UPDATE journal_head SET hash = x'{last.hex()}', seal = x'{seal.hex()}'")  # noqa: S608
    with made.store() as (store, checkpoints):
        await journal_kit.write(store, made.clock, 1)
        with pytest.raises(JournalRefused) as refused:
            await checkpoints.sign()
    assert "not the one that was signed" in refused.value.detail


async def test_a_journal_of_version_0_1_is_verified_signed_and_goes_on_with_salts(tmp_path: Path):
    of_version_0_1(tmp_path)
    assert unreadable(tmp_path) == []
    made = Journal(folder=tmp_path, clock=Clock())
    before = len(made.lines())
    assert before > 3
    assert all(line[9] is None for line in made.lines()[:4])
    with made.store() as (store, checkpoints):
        await journal_kit.write(store, made.clock, 300)
        await checkpoints.sign()
    found = made.audit()
    assert (found.findings, found.entries, found.checkpoints) == ((), before + 300, 1)
    made.sql("UPDATE entry SET code = 'x' WHERE seq = 2")
    assert {each.seq for each in made.audit().findings if each.seq <= 3} == {2}


async def test_an_old_entry_that_was_erased_leaves_the_journal_whole(tmp_path: Path):
    of_version_0_1(tmp_path)
    assert unreadable(tmp_path) == []
    made = Journal(folder=tmp_path, clock=Clock())
    with made.store() as (store, checkpoints):
        await checkpoints.sign()
        letter = next(line[3] for line in made.lines() if line[3])
        with store._disk.engine.begin() as connection:
            entries.erase(connection, [letter], made.clock())
        await checkpoints.sign()
    found = made.audit()
    assert found.findings == ()
    assert found.erased > 0
    made.sql("UPDATE entry SET salt = NULL, leaf = zeroblob(32), words = '' WHERE seq = 1")  # control
    assert made.audit().findings != ()
