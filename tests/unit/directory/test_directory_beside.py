"""A large file is read in a process beside: the same directory, no word lost, and nobody left behind."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from commands.directory_asking import AGAIN
from directory import Directory, DirectoryError, build, import_files
from directory import beside as beside_module
from tests.unit.directory.country import Country, activity_lines, mailbox_lines
from tests.unit.directory.synthetic import MAILBOX_HEADER, mailbox_line, rpps_of, write

ROOT = Path(__file__).resolve().parents[3]
COUNTRY = Country(300)


@pytest.fixture
def beside(monkeypatch):
    """Every file is a large one."""
    monkeypatch.setattr(build, "LARGE", 0)


@pytest.fixture
def files(tmp_path):
    lines = [*mailbox_lines(COUNTRY, 200), "PER|nobody", mailbox_line("not an address", "8" + rpps_of(7))]
    lines.append(mailbox_line("quote@b.example", "8" + rpps_of(7), family="D'\"ŒUVRE\\"))
    return [
        write(tmp_path / "m_202603010000.txt", iter(lines)),
        write(tmp_path / "a_202603010000.txt", activity_lines(COUNTRY, 2500)),
    ]


def dump(folder):
    with sqlite3.connect(folder / "directory.db") as database:
        tables = ("mailbox", "activity", "person", "label", "fact", "word", "near")
        return {name: sorted(database.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}  # noqa: S608


@pytest.fixture(autouse=True)
def readers(monkeypatch):
    """Every reader that was started; other tests' servers are this process's children too."""
    found = []

    class Started(subprocess.Popen):
        def __init__(self, *arguments, **more):
            super().__init__(*arguments, **more)
            found.append(self)

    monkeypatch.setattr(beside_module.subprocess, "Popen", Started)
    return found


def ended(readers):
    """Whether there were some, and all were waited for."""
    return bool(readers) and all(reader.returncode is not None for reader in readers)


def test_the_directory_is_the_same_and_so_is_the_report(files, tmp_path, monkeypatch):
    here = import_files(tmp_path / "here", files)
    monkeypatch.setattr(build, "LARGE", 0)
    there = import_files(tmp_path / "there", files)
    assert there == here
    assert [(one.line, one.code) for one in there.files[0].examples] == [(202, "columns"), (203, "bad-address")]
    assert dump(tmp_path / "there") == dump(tmp_path / "here")


def test_a_zip_that_breaks_in_the_middle_is_the_same_one_line(files, tmp_path, beside, readers):
    packed = tmp_path / "m.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(files[0], "m_202603010000.txt")
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 1
    packed.write_bytes(content)
    with pytest.raises(DirectoryError) as caught:
        import_files(tmp_path, [packed])
    assert caught.value.code == "broken-file"
    assert not list(tmp_path.glob("directory.db*"))
    assert ended(readers)


def test_a_reader_that_is_killed_is_one_line_and_the_old_directory_stays(files, tmp_path, monkeypatch, readers):
    import_files(tmp_path, files)
    monkeypatch.setattr(build, "LARGE", 0)

    def kill(_: object) -> None:
        for reader in readers:
            reader.kill()

    many = (mailbox_line(f"p{number}@b.example", "8" + rpps_of(number)) for number in range(60_000))
    with pytest.raises(DirectoryError) as caught:
        import_files(tmp_path, [write(tmp_path / "more.txt", iter([MAILBOX_HEADER, *many]))], progress=kill)
    assert caught.value.code == "reader-ended"
    assert caught.value.code in AGAIN
    assert Directory.open(tmp_path).status().mailboxes == 201
    assert ended(readers)


BREAKING = {
    "a fault": ("reader-failed", "ZeroDivisionError", "def broken(*_): 1 / 0"),
    "no memory": ("reader-ended", "memory", "def broken(*_): raise MemoryError"),
    "without a word": ("reader-failed", "without a word", "def broken(*_): sys.exit(1)"),
}


@pytest.mark.parametrize("how", BREAKING)
def test_a_reader_that_breaks_is_told_by_its_kind_and_tried_again_for_want_of_memory_alone(
    files, tmp_path, monkeypatch, readers, how
):
    """With a fault of ours the same file would break it again."""
    code, told, broken = BREAKING[how]
    program = tmp_path / "reader.py"
    program.write_text(
        "import sys\nfrom directory import beside, taking\nfrom directory.layout import FileKind\n"
        f"{broken}\ntaking._ROW_OF[FileKind.MAILBOXES] = broken\nbeside._read(sys.stdin.buffer, sys.stdout.buffer)\n"
    )
    started = subprocess.Popen

    def start(_: list[str], **more: object) -> subprocess.Popen[bytes]:
        return started([sys.executable, "-P", str(program)], **more)

    import_files(tmp_path, files)
    monkeypatch.setattr(build, "LARGE", 0)
    monkeypatch.setattr(beside_module.subprocess, "Popen", start)
    with pytest.raises(DirectoryError, match=told) as caught:
        import_files(tmp_path, files)
    assert caught.value.code == code
    assert (code in AGAIN) == (how == "no memory")
    assert Directory.open(tmp_path).status().mailboxes == 201
    assert ended(readers)


def test_whoever_stops_the_import_stops_the_reader(files, tmp_path, beside, readers):
    def stop(_: object) -> None:
        assert len(readers) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(tmp_path, files, progress=stop)
    assert ended(readers)
    assert not list(tmp_path.glob("directory.db*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from directory import build, import_files
build.LARGE = 0
def tell(progress):
    print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
import_files(Path(sys.argv[1]), [Path(sys.argv[2])], progress=tell)
"""


def test_a_killed_import_leaves_no_reader(tmp_path):
    many = (mailbox_line(f"p{number}@b.example", "8" + rpps_of(number)) for number in range(60_000))
    file = write(tmp_path / "m.txt", iter([MAILBOX_HEADER, *many]))
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(file)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == -9
    (child,) = done.stdout.split()
    until = time.monotonic() + 60
    while lives(child):
        assert time.monotonic() < until, "the reader outlived the import"
        time.sleep(0.02)


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
