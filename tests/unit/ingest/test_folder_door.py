"""The drop folder: what is whole is handed in once and moved, whatever happens between."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.errors import Busy, NotOpened, StorageUnavailable, TooLarge, UnreadableDocument
from gateway.ingest.folder import FolderDoor, FolderSettings, Origin, StillWritten, open_folder_door, submit_file
from gateway.ingest.folder.claim import LOCK
from gateway.ingest.folder.moving import move_to_taken
from gateway.ingest.folder.submit import read_whole, shown
from gateway.ingest.folder.watch import EXTENSIONS, Sighting, Watch, look_into
from tests.unit.ingest.ingest_door_kit import NOW, SECRET, FakeIntake, ids, refusal

LETTER = b"000003\r\nESSAI\r\nANNE\r\n"
ORIGIN = Origin(source="folder", recipients=("auto@huitaine.test",), report_to="dpi@ch-exemple.test", max_size=1 << 20)


class Drop:
    """A drop folder whose looks are taken by hand; nothing needs to stand still longer than from one to the next."""

    def __init__(
        self, path: Path, *, intake: FakeIntake | None = None, settle: float = 0, witness: bool = False
    ) -> None:
        self.path = path
        self.intake = intake or FakeIntake()
        self.ids = ids()
        self.settings = FolderSettings(
            path=path, origin=ORIGIN, settle=timedelta(seconds=settle), interval=timedelta(0), witness=witness
        )
        self.door = self.new_door()
        for name in ("taken", "refused"):
            (path / name).mkdir(exist_ok=True)

    def new_door(self) -> FolderDoor:
        return FolderDoor(self.settings, self.intake, lambda: NOW, self.ids)

    def put(self, name: str = "EMET0001.HPR", content: bytes = LETTER) -> Path:
        (self.path / name).write_bytes(content)
        return self.path / name

    async def look(self, times: int = 2) -> int:
        return sum([await self.door.look() for _ in range(times)])

    def names(self, folder: str = "") -> list[str]:
        found = [entry for entry in (self.path / folder).iterdir() if entry.is_file() or entry.is_symlink()]
        return sorted(entry.name for entry in found if entry.name != LOCK)


@pytest.fixture
def drop(tmp_path):
    return Drop(tmp_path)


async def test_a_file_that_stands_still_is_kept_and_then_moved_under_its_letters_id(drop):
    drop.put()
    assert await drop.look(1) == 0
    assert await drop.look(1) == 1
    (letter,) = drop.intake.kept
    assert (letter.content, letter.name, letter.source) == (LETTER, "EMET0001.HPR", "folder")
    assert [to.address for to in letter.envelope.recipients] == ["auto@huitaine.test"]
    assert letter.envelope.sender == "dpi@ch-exemple.test"
    assert drop.names() == []
    assert drop.names("taken") == [f"{letter.id}_EMET0001.HPR"]
    assert (drop.path / "taken" / f"{letter.id}_EMET0001.HPR").read_bytes() == LETTER


async def test_a_file_that_is_still_being_written_waits(drop):
    for size in range(1, 5):
        drop.put(content=LETTER * size)
        assert await drop.look(1) == 0
    assert await drop.look(1) == 1
    assert drop.intake.kept[0].content == LETTER * 4


async def test_a_file_must_stand_still_for_a_while_not_only_for_two_looks(tmp_path):
    drop = Drop(tmp_path, settle=60)
    drop.put()
    assert await drop.look(5) == 0
    assert drop.names() == ["EMET0001.HPR"]


async def test_a_witness_makes_the_wait_unnecessary_and_goes_with_its_file(tmp_path):
    drop = Drop(tmp_path, settle=60)
    for name, witness in (("a.hpr", "A.OK"), ("b.hl7", "b.hl7.ok")):
        drop.put(name)
        drop.put(witness, b"")
    assert await drop.look(1) == 2
    assert drop.names() == []
    assert len(drop.names("taken")) == 2


async def test_where_a_witness_is_needed_nothing_goes_without(tmp_path):
    drop = Drop(tmp_path, witness=True)
    drop.put("a.hpr")
    drop.put("b.ok", b"")
    assert await drop.look(4) == 0
    drop.put("a.ok", b"")
    assert await drop.look(1) == 1
    assert drop.names() == ["b.ok"]


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
async def test_every_extension_in_any_case(drop, extension):
    drop.put(f"un{extension}", b"1")
    drop.put(f"DEUX{extension.upper()}", b"2")
    assert await drop.look() == 2


async def test_what_is_no_letter_stays(drop, tmp_path):
    for name in ("a.txt", "a.hpr.tmp", ".hidden.hpr", "hpr", "a.hpr.reason.txt", "a.pdf", "a.part"):
        drop.put(name)
    (tmp_path / "folder.hpr").mkdir()
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.write_bytes(b"not for you")
    (tmp_path / "link.hpr").symlink_to(elsewhere)
    (tmp_path / "dangling.hpr").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.hpr")
    before = drop.names()
    assert await drop.look(3) == 0
    assert drop.names() == before
    assert drop.intake.asked == 0


async def test_a_refused_file_has_its_reason_beside_it_in_two_languages(drop):
    drop.intake.fault = refusal("PID-5", "patient-without-name")
    drop.put()
    assert await drop.look() == 1
    assert drop.names("refused") == ["EMET0001.HPR", "EMET0001.HPR.reason.txt"]
    raw = (drop.path / "refused" / "EMET0001.HPR.reason.txt").read_bytes()
    text = raw.decode("utf-8-sig")
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\n") == raw.count(b"\r\n") > 10
    for words in (
        "refusé par Huitaine le 15/01/2026 à 11:30:00 (référence 01LETTER",
        "Où      : PID-5",
        "Quoi    : un champ obligatoire manque",
        "Code    : patient-without-name",
        "Que faire : corriger",
        "File refused by Huitaine on 2026-01-15T10:30:00+00:00",
        "Where   : PID-5",
        "What    : the name is missing",
        "What to do: correct",
    ):
        assert words in text
    assert "DUPONT" not in text
    assert "ESSAI" not in text


async def test_a_refused_file_whose_name_is_taken_gets_another_and_so_does_its_reason(drop):
    drop.intake.fault = refusal()
    for content in (b"1", b"2", b"3"):
        drop.put(content=content)
        assert await drop.look() == 1
    reasons = [f"EMET0001{number}.HPR.reason.txt" for number in ("", "-2", "-3")]
    files = [f"EMET0001{number}.HPR" for number in ("", "-2", "-3")]
    assert drop.names("refused") == sorted(reasons + files)
    assert [(drop.path / "refused" / name).read_bytes() for name in files] == [b"1", b"2", b"3"]


async def test_other_permanent_failures_are_refused_too(drop):
    drop.intake.fault = NotOpened(SECRET)
    drop.put()
    assert await drop.look() == 1
    assert "Sealed mail cannot be opened" in (drop.path / "refused" / "EMET0001.HPR.reason.txt").read_text("utf-8-sig")


async def test_a_file_over_the_limit_is_refused_without_being_read(drop):
    path = drop.put()
    os.truncate(path, (1 << 20) + 1)
    assert await drop.look() == 1
    assert drop.intake.asked == 0
    assert "larger than the limit" in (drop.path / "refused" / "EMET0001.HPR.reason.txt").read_text("utf-8-sig")


@pytest.mark.parametrize(
    "fault", [StorageUnavailable(SECRET), Busy(), OSError(28, SECRET), KeyError(SECRET), MemoryError()]
)
async def test_a4_while_letters_cannot_be_taken_the_file_stays_and_is_tried_again(drop, fault):
    drop.intake.fault = fault
    drop.put()
    with capture_logs() as logs:
        assert await drop.look(4) == 0
    assert drop.names() == ["EMET0001.HPR"]
    assert drop.names("refused") == []
    assert drop.intake.asked == 3
    if not isinstance(fault, StorageUnavailable):
        assert "DUPONT" not in repr(logs)
    drop.intake.fault = None
    assert await drop.look(1) == 1


async def test_while_letters_cannot_be_taken_looks_become_rarer_and_then_are_as_before(drop):
    drop.door._settings = FolderSettings(
        path=drop.path, origin=ORIGIN, settle=timedelta(0), interval=timedelta(seconds=1)
    )
    drop.put()
    drop.intake.fault = Busy()
    await drop.look(1)
    pauses = []
    for _ in range(8):
        await drop.look(1)
        pauses.append(drop.door._pause())
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    drop.intake.fault = None
    await drop.look(1)
    assert drop.door._pause() == 1.0


async def test_a_crash_between_keeping_and_moving_delivers_once(drop, monkeypatch):
    class Crash(BaseException):
        pass

    def crash(*_: object) -> bool:
        raise Crash

    drop.put()
    await drop.look(1)
    with monkeypatch.context() as patch:
        patch.setattr("gateway.ingest.folder.door.move_to_taken", crash)
        with pytest.raises(Crash):
            await drop.look(1)
    assert len(drop.intake.kept) == 1
    assert drop.names() == ["EMET0001.HPR"]
    await drop.door.close()  # as the kernel does for a dead process
    drop.door = drop.new_door()
    assert await drop.look() == 1
    assert len(drop.intake.kept) == 1
    assert drop.names("taken") == [f"{drop.intake.kept[0].id}_EMET0001.HPR"]


async def test_the_same_content_dropped_again_on_purpose_is_a_new_letter(drop):
    drop.put()
    await drop.look()
    path = drop.put()
    os.utime(path, ns=(1, 1_700_000_000_000_000_000))
    assert await drop.look() == 1
    assert len(drop.intake.kept) == 2
    assert len(drop.names("taken")) == 2


async def test_the_same_content_under_another_name_is_a_new_letter(drop):
    one, two = drop.put("a.hpr"), drop.put("b.hpr")
    for path in (one, two):
        os.utime(path, ns=(1, 1))
    assert await drop.look() == 2
    assert len(drop.intake.kept) == 2


async def test_a_file_that_takes_the_place_of_one_being_kept_is_not_moved_unread(drop):
    drop.intake.gate = asyncio.Event()
    drop.put()
    await drop.look(1)
    look = asyncio.create_task(drop.door.look())
    await drop.intake.arrived.wait()
    fresh = drop.path / "fresh"
    fresh.write_bytes(b"another letter")
    fresh.replace(drop.path / "EMET0001.HPR")
    drop.intake.gate.set()
    assert await look == 0
    assert drop.names("taken") == []
    assert await drop.look() == 1
    assert [letter.content for letter in drop.intake.kept] == [LETTER, b"another letter"]


def test_a_file_that_slips_in_at_the_last_moment_goes_back(drop, monkeypatch):
    path = drop.put()
    sighting = Sighting.of(path.name, path.stat())
    real = Path.rename

    def slip(self: Path, target: Path) -> Path:
        if self == path:
            fresh = drop.put("fresh", b"another letter")
            os.replace(fresh, path)  # noqa: PTH105  Path's own is what is being watched
        return real(self, target)

    monkeypatch.setattr(Path, "rename", slip)
    assert move_to_taken(drop.path, sighting, "01X") is False
    assert drop.names("taken") == []
    assert (drop.path / "EMET0001.HPR").read_bytes() == b"another letter"


async def test_a_file_that_disappears_is_forgotten(drop):
    path = drop.put()
    await drop.look(1)
    path.unlink()
    assert await drop.look() == 0
    drop.put()
    assert await drop.look(1) == 0  # seen anew


def test_a_file_that_changed_since_it_was_seen_is_not_read(drop):
    path = drop.put()
    seen = Sighting.of(path.name, path.stat())
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(StillWritten):
        read_whole(path, seen, 1000)
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic links"):
        read_whole(path, seen, 1000)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match=r"regular file|directory"):
        read_whole(path, seen, 1000)


@pytest.mark.root
async def test_a_file_that_may_not_be_read_stays_and_is_complained_of_once(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    drop = Drop(tmp_path)
    path = drop.put("JEANNE-DUPONT.hpr")
    path.chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    os.seteuid(65534)
    try:
        with capture_logs() as logs:
            assert await drop.look(5) == 0
    finally:
        os.seteuid(0)
    complaints = [entry for entry in logs if entry["event"] == "folder_file_unusable"]
    assert len(complaints) == 1
    assert "DUPONT" not in repr(logs)
    path.chmod(0o600)
    assert await drop.look() == 1


async def test_odd_names_are_shown_safely_and_moved_as_they_are(drop):
    for name in (
        b"caf\xe9.hpr",
        b"a\x1b[31m.hpr",
        "é\u202e.hl7".encode(),
        b"x" * 251 + b".hpr",
        b"-rf.hpr",
        b"$(id).xml",
    ):
        with open(os.fsencode(drop.path) + b"/" + name, "wb") as file:  # noqa: PTH123, ASYNC230  a name in octets
            file.write(name)
    assert await drop.look() == 6
    assert drop.names() == []
    assert len(drop.names("taken")) == 6
    for letter in drop.intake.kept:
        assert letter.name.isprintable()
        assert letter.name.encode()
    assert shown("a\x00b\x1b") == "a\ufffdb\ufffd"


async def test_an_empty_file_waits_thirty_times_longer():
    watch = Watch(settle=2, witness_needed=False)
    empty = Sighting(name="a.hpr", size=0, modified_ns=1, inode=1)
    assert [bool(watch.whole([empty], now)) for now in (0.0, 2.0, 59.0, 60.0)] == [False, False, False, True]


def test_files_are_seen_oldest_first(drop):
    for name, when in (("c.hpr", 1), ("a.hpr", 3), ("b.hpr", 2)):
        os.utime(drop.put(name), ns=(when, when))
    assert [sighting.name for sighting in look_into(drop.path)] == ["c.hpr", "b.hpr", "a.hpr"]


async def test_two_hundred_files_are_handed_in_a_few_at_a_time(drop):
    for number in range(200):
        drop.put(f"F{number:04}.hpr", b"%d" % number)
    assert await drop.look() == 200
    assert len({letter.content for letter in drop.intake.kept}) == 200


async def test_the_watcher_runs_by_itself_survives_a_lost_share_and_stops(tmp_path):
    folder, intake = tmp_path / "drop", FakeIntake()
    settings = FolderSettings(
        path=folder, origin=ORIGIN, interval=timedelta(milliseconds=5), settle=timedelta(0),
        longest_pause=timedelta(milliseconds=20),
    )  # fmt: skip
    door = await open_folder_door(settings, intake, lambda: NOW, ids())
    away = tmp_path / "away"
    folder.rename(away)
    await asyncio.sleep(0.05)
    away.rename(folder)
    (folder / "a.hpr").write_bytes(LETTER)
    async with asyncio.timeout(30):
        await intake.arrived.wait()
    await door.close()
    assert len(list((folder / "taken").iterdir())) == 1


async def test_send_hands_a_file_in_and_leaves_it_where_it_is(drop):
    path = drop.put("lettre.pdf")
    kept = await submit_file(path, ORIGIN, drop.intake, lambda: NOW, drop.ids)
    again = await submit_file(path, ORIGIN, drop.intake, lambda: NOW, drop.ids)
    assert (again.id, again.again) == (kept.id, True)
    other = Origin(source="folder", recipients=("x@gp.test",))
    assert (await submit_file(path, other, drop.intake, lambda: NOW, drop.ids)).id != kept.id
    assert path.exists()


async def test_send_says_what_is_wrong(drop):
    path = drop.put()
    drop.intake.fault = refusal()
    with pytest.raises(UnreadableDocument):
        await submit_file(path, ORIGIN, drop.intake, lambda: NOW, drop.ids)
    with pytest.raises(TooLarge):
        await submit_file(path, Origin(source="x", recipients=(), max_size=3), drop.intake, lambda: NOW, drop.ids)
    for bad in (drop.path / "nowhere.hpr", drop.path):
        with pytest.raises(OSError, match=r"No such file|regular file|directory"):
            await submit_file(bad, ORIGIN, drop.intake, lambda: NOW, drop.ids)
    link = drop.path / "link.hpr"
    link.symlink_to(path)
    with contextlib.suppress(OSError):
        await submit_file(link, ORIGIN, drop.intake, lambda: NOW, drop.ids)
        pytest.fail("a link was followed")
