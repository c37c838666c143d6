"""The drop folder on shares as hospitals have them: slow writers, wrong clocks, two gateways, what cannot be moved."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import KeyStoreRefused, SettingsRefused
from gateway.ingest.folder import FolderDoor, FolderSettings, StillWritten
from gateway.ingest.folder.claim import LOCK, Claim
from gateway.ingest.folder.submit import refuse_open_for_writing
from gateway.ingest.folder.watch import Sighting, Watch, look_into
from tests.unit.ingest.ingest_door_kit import NOW, SECRET, FakeIntake, ids, refusal
from tests.unit.ingest.test_folder_door import LETTER, ORIGIN, Drop


@pytest.fixture
def drop(tmp_path):
    return Drop(tmp_path)


def leases_work(folder: Path) -> bool:
    """Whether this file system knows leases; where it does not, standing still has to be enough."""
    path = folder / "probe"
    with path.open("wb"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            refuse_open_for_writing(descriptor)
        except StillWritten:
            return True
        finally:
            os.close(descriptor)
            path.unlink()
    return False


async def test_a_file_that_a_program_has_open_for_writing_waits_however_long_it_pauses(drop, tmp_path):
    if not leases_work(tmp_path):
        pytest.skip("this file system knows no leases")
    with (drop.path / "slow.hpr").open("wb") as writer:
        writer.write(LETTER[:10])
        writer.flush()
        with capture_logs() as logs:
            assert await drop.look(6) == 0
        assert [entry["event"] for entry in logs] == ["folder_file_open"]
        writer.write(LETTER[10:])
    assert await drop.look(2) == 1
    assert [letter.content for letter in drop.intake.kept] == [LETTER]


async def test_control_without_the_look_for_writers_half_a_file_is_taken(drop, monkeypatch):
    monkeypatch.setattr("gateway.ingest.folder.submit.refuse_open_for_writing", lambda descriptor: None)
    with (drop.path / "slow.hpr").open("wb") as writer:
        writer.write(LETTER[:10])
        writer.flush()
        assert await drop.look(2) == 1
    assert [letter.content for letter in drop.intake.kept] == [LETTER[:10]]


async def test_a_handle_that_is_never_closed_does_not_keep_its_letter_for_ever(drop, tmp_path):
    if not leases_work(tmp_path):
        pytest.skip("this file system knows no leases")
    drop.door = FolderDoor(
        FolderSettings(path=drop.path, origin=ORIGIN, settle=timedelta(0), longest_open=timedelta(0)),
        drop.intake, lambda: NOW, drop.ids,
    )  # fmt: skip
    with (drop.path / "stuck.hpr").open("wb") as writer:
        writer.write(LETTER)
        writer.flush()
        assert await drop.look(3) == 1


async def test_trap_the_signal_of_a_broken_lease_ends_nobody(tmp_path):
    """SIGIO, the default when somebody opens a leased file, would end the gateway."""
    path = tmp_path / "a.hpr"
    path.write_bytes(LETTER)

    def open_and_close() -> None:
        for _ in range(300):
            with path.open("ab"):
                pass

    writing = asyncio.create_task(asyncio.to_thread(open_and_close))
    while not writing.done():
        descriptor = os.open(path, os.O_RDONLY)
        with contextlib.suppress(StillWritten):
            refuse_open_for_writing(descriptor)
        os.close(descriptor)
        await asyncio.sleep(0)
    await writing


@pytest.mark.parametrize("clock", [-86_400, 86_400])
async def test_a_server_whose_clock_is_a_day_off_changes_nothing(drop, clock):
    path = drop.put()
    when = path.stat().st_mtime_ns + clock * 10**9
    os.utime(path, ns=(when, when))
    assert await drop.look() == 1


def test_a_time_that_goes_backwards_is_a_change_and_the_wait_begins_again():
    watch = Watch(settle=2, witness_needed=False)

    def seen(modified_ns: int) -> Sighting:
        return Sighting(name="a.hpr", size=5, modified_ns=modified_ns, inode=1)

    looks = [(100, 0.0), (100, 1.9), (50, 2.0), (50, 3.9), (50, 4.0)]
    assert [bool(watch.whole([seen(modified)], now)) for modified, now in looks] == [False, False, False, False, True]


async def test_a_witness_that_a_crash_left_behind_does_not_vouch_for_the_next_file(tmp_path):
    drop = Drop(tmp_path, settle=60)
    drop.put("a.ok", b"")
    os.utime(tmp_path / "a.ok", ns=(1, 1))
    drop.put("a.hpr", LETTER[:10])
    assert await drop.look(3) == 0
    drop.put("a.ok", b"")  # the control: its own
    assert await drop.look(1) == 1


async def test_two_gateways_do_not_take_from_one_folder_and_the_second_goes_on_when_the_first_ends(drop):
    other = Drop(drop.path)
    drop.put()
    await drop.look(1)
    with capture_logs() as logs:
        assert await other.look(3) == 0
    assert {entry["event"] for entry in logs} == {"folder_held_by_another_gateway"}
    assert await drop.look(1) == 1
    assert not other.intake.kept
    drop.put("b.hpr")
    await drop.door.close()
    assert await other.look(2) == 1


async def test_control_without_the_claim_two_gateways_keep_the_same_file_twice(drop, monkeypatch):
    monkeypatch.setattr(Claim, "hold", lambda self: True)
    other = Drop(drop.path)
    drop.intake.gate = other.intake.gate = asyncio.Event()
    drop.put()
    await asyncio.gather(drop.look(1), other.look(1))
    looks = [asyncio.create_task(each.look(1)) for each in (drop, other)]
    await asyncio.gather(drop.intake.arrived.wait(), other.intake.arrived.wait())
    drop.intake.gate.set()
    await asyncio.gather(*looks)
    assert len(drop.intake.kept) + len(other.intake.kept) == 2


def test_the_claim_is_taken_anew_when_the_share_is_another_one(tmp_path):
    claim, other = Claim(tmp_path), Claim(tmp_path)
    assert claim.hold()
    assert claim.hold()
    (tmp_path / LOCK).unlink()
    assert other.hold()
    assert not claim.hold()
    other.release()
    assert claim.hold()
    claim.release()


@pytest.mark.parametrize("fault", [None, refusal()])
async def test_a_file_that_cannot_be_moved_is_judged_once_and_moved_when_it_can_be(drop, monkeypatch, fault):
    def cannot(*_: object) -> bool:
        raise OSError(errno.EROFS, "read-only")

    drop.intake.fault = fault
    drop.put()
    with monkeypatch.context() as patch, capture_logs() as logs:
        for name in ("move_to_taken", "move_to_refused"):
            patch.setattr(f"gateway.ingest.folder.door.{name}", cannot)
        assert await drop.look(6) == 0
        assert drop.intake.asked == 1
    assert len([entry for entry in logs if entry["event"] == "folder_file_unusable"]) == 1
    assert await drop.look(1) == 1
    assert drop.intake.asked == 1


async def test_a_full_share_gets_no_reason_files_that_belong_to_nothing(drop, monkeypatch):
    drop.intake.fault = refusal()
    drop.put()
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        real(self, data[:3])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert await drop.look(4) == 0
    assert drop.names("refused") == []
    assert await drop.look(1) == 1
    assert drop.names("refused") == ["EMET0001.HPR", "EMET0001.HPR.reason.txt"]


@pytest.mark.parametrize("fault", [KeyStoreRefused(SECRET), SettingsRefused(SECRET)])
async def test_a4_a_fault_of_ours_refuses_no_file_however_permanent(drop, fault):
    drop.intake.fault = fault
    drop.put()
    assert await drop.look(3) == 0
    assert drop.names("refused") == []
    drop.intake.fault = None
    assert await drop.look(1) == 1


async def test_a4_a_file_that_cannot_be_held_in_memory_stops_no_other(drop, monkeypatch):
    real = os.fstat

    def scarce(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if status.st_size == len(LETTER) + 1:
            raise MemoryError
        return status

    monkeypatch.setattr("gateway.ingest.folder.submit.os.fstat", scarce)
    drop.put("a.hpr", LETTER + b"!")
    drop.put("b.hpr")
    assert await drop.look() == 1
    assert drop.names() == ["a.hpr"]


async def test_a_file_that_vanishes_between_look_and_opening_is_no_trouble(drop, monkeypatch):
    path = drop.put()
    await drop.look(1)
    monkeypatch.setattr("gateway.ingest.folder.door.look_into", _and_then(path.unlink))
    with capture_logs() as logs:
        assert await drop.look(1) == 0
    assert logs == []
    assert drop.door._pause() == 0


def _and_then(act):
    def look(folder: Path) -> list[Sighting]:
        found = look_into(folder)
        act()
        return found

    return look


async def test_a_share_that_is_not_there_at_the_start_is_waited_for(tmp_path):
    (tmp_path / "mount").write_bytes(b"")  # nothing can be made below a file
    folder, intake = tmp_path / "mount" / "drop", FakeIntake()
    settings = FolderSettings(
        path=folder, origin=ORIGIN, interval=timedelta(milliseconds=5), settle=timedelta(0),
        longest_pause=timedelta(milliseconds=20),
    )  # fmt: skip
    door = FolderDoor(settings, intake, lambda: NOW, ids())
    await door.open()
    (tmp_path / "mount").unlink()
    folder.mkdir(parents=True)
    (folder / "a.hpr").write_bytes(LETTER)
    async with asyncio.timeout(30):
        await intake.arrived.wait()
    await door.close()


async def test_a_name_with_line_ends_and_one_cut_in_the_middle_of_a_letter_are_moved(drop):
    drop.put("a\nb\r.hpr")
    drop.put("\u00e9" * 125 + ".hpr")
    assert await drop.look() == 2
    for name in drop.names("taken"):
        assert name.encode().decode() == name
    assert {letter.name for letter in drop.intake.kept} == {"a\ufffdb\ufffd.hpr", "\u00e9" * 125 + ".hpr"}


async def test_a_file_of_thirty_megabytes_is_taken_where_the_limit_allows_it(drop):
    content = b"x" * (30 << 20)
    drop.settings = FolderSettings(
        path=drop.path, origin=type(ORIGIN)(source="folder", recipients=("a@b.test",), max_size=40 << 20),
        settle=timedelta(0),
    )  # fmt: skip
    drop.door = drop.new_door()
    drop.put("big.zip", content)
    assert await drop.look() == 1
    assert drop.intake.kept[0].content == content


async def test_thousands_of_files_leave_oldest_first_and_a_late_one_is_not_forgotten(drop):
    for number in range(2_000):
        os.utime(drop.put(f"F{number:05}.hpr", b"%d" % number), ns=(number, number))
    await drop.look(1)
    drop.put("late.hpr", b"late")
    assert await drop.look(1) == 2_000
    taken = [int(letter.content) for letter in drop.intake.kept]
    assert all(abs(number - place) < 50 for place, number in enumerate(taken)), "but for those side by side, in order"
    assert await drop.look(1) == 1
