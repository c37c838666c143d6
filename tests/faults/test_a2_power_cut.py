"""A2: what was promised is on the disk, not in its cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.power import NORMAL_SYNC, cut_power, rebuild
from tests.peers.running import need


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a2_a_power_cut_loses_no_acknowledged_letter(tmp_path: Path):
    need("cc")
    told = await cut_power(tmp_path / "honest", rounds=1, letters=40)
    assert told.balance.acknowledged == 40
    assert told.balance.wrong == []
    assert told.forgotten == 0
    assert told.died == []


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a2_control_a_store_that_syncs_at_checkpoints_only_loses_letters(tmp_path: Path):
    need("cc")
    told = await cut_power(tmp_path / "normal", rounds=1, letters=30, entry=NORMAL_SYNC)
    assert told.dropped > 0
    assert told.forgotten > 0
    assert not told.kept


def test_a2_only_what_was_synced_is_left():
    def after(*calls: bytes) -> dict[str, bytes | None]:
        return rebuild({"/d/a": b"old"}, b"".join(calls))[0]

    write, sync, folder = b"W /d/a 0 3\nnew", b"S /d/a\n", b"S /d\n"
    assert after(write) == {"/d/a": b"old"}
    assert after(write, sync) == {"/d/a": b"new"}
    assert after(write, sync, b"T /d/a 1\n") == {"/d/a": b"new"}
    assert after(write, b"T /d/a 1\n", sync) == {"/d/a": b"n"}
    assert after(b"W /d/b 2 1\nx", b"S /d/b\n") == {"/d/a": b"old", "/d/b": None}
    assert after(b"W /d/b 2 1\nx", b"S /d/b\n", folder) == {"/d/a": b"old", "/d/b": b"\0\0x"}
    assert after(b"U /d/a\n") == {"/d/a": b"old"}
    assert after(b"U /d/a\n", folder) == {"/d/a": None}
    assert after(write[:-1]) == {"/d/a": b"old"}, "a call that was cut short"
