"""A1: the yes comes after the disk, as the kernel saw it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.faults.order import NO_SYNC, examine, watch
from tests.peers.running import absent, need


@pytest.fixture(autouse=True)
def _strace_works() -> None:
    need("strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        absent("strace may not trace here")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a1_a_sync_of_the_log_lies_before_every_yes(tmp_path: Path):
    told = await watch(tmp_path / "honest", letters=40, mllp=2)
    assert told.answers == 40
    assert told.violations == []


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a1_control_a_store_that_does_not_wait_for_the_disk_is_caught(tmp_path: Path):
    told = await watch(tmp_path / "careless", letters=10, entry=NO_SYNC)
    assert told.answers == 10
    assert len(told.violations) == 10


def test_a1_a_sync_that_is_not_over_or_is_of_another_file_does_not_count():
    def seen(*middle: str) -> list[int]:
        ends = (
            '7 recvfrom(9<socket:[1]>, ""..., 10, 0, NULL, NULL) = 10',
            '7 sendto(9<socket:[1]>, ""..., 70, 0, NULL, 0) = 70',
        )
        return examine([ends[0], *middle, ends[1]], "huitaine.db").violations

    assert seen("8 fdatasync(5</d/huitaine.db-wal>) = 0") == []
    assert seen("8 fdatasync(5</d/huitaine.db-wal> <unfinished ...>", "8 <... fdatasync resumed>) = 0") == []
    assert seen() == [1]
    assert seen("8 fdatasync(5</d/huitaine.db-wal> <unfinished ...>") == [2]
    assert seen("8 fdatasync(5</d/huitaine.db>) = 0") == [2]
    assert seen("8 fdatasync(5</d/huitaine.db-wal>) = -1 EIO (Input/output error)") == [2]
