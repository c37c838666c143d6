"""Lines of the log: news beside the loop, what is worse at once, nothing lost and nothing out of order."""

import io
import threading
import time

import pytest

from gateway import log_lines
from gateway.log_lines import Lines


class Disk(io.StringIO):
    """A file whose writes wait until it is let go, and that counts them."""

    def __init__(self, *, busy=False):
        super().__init__()
        self.go, self.writes = threading.Event(), 0
        if not busy:
            self.go.set()

    def write(self, text):
        self.go.wait(5)
        self.writes += 1
        return super().write(text)


def lines_on(disk, moment=0.01):
    return Lines(disk, moment=moment)


def test_news_does_not_wait_for_a_busy_disk_and_is_written_once_it_is_free():
    disk = Disk(busy=True)
    lines = lines_on(disk)
    for number in range(100):
        lines.info(f"kept {number}")
    assert not disk.go.is_set()
    assert disk.writes == 0
    disk.go.set()
    lines.close()
    assert disk.getvalue().splitlines() == [f"kept {number}" for number in range(100)]


def test_what_a_moment_brings_is_one_write():
    disk = Disk()
    lines = lines_on(disk, moment=0.2)
    for number in range(500):
        lines.info(str(number))
    lines.close()
    assert disk.writes <= 2


@pytest.mark.parametrize("level", ["warning", "error", "critical", "exception"])
def test_what_is_worse_is_written_on_return_behind_all_that_was_told_before(level):
    disk = Disk()
    lines = lines_on(disk, moment=5)
    lines.info("first")
    getattr(lines, level)("then")
    assert disk.getvalue() == "first\nthen\n"


def test_so_many_lines_wait_and_no_more(monkeypatch):
    monkeypatch.setattr(log_lines, "MOST", 10)
    disk = Disk()
    lines = lines_on(disk, moment=5)
    for number in range(11):
        lines.info(str(number))
    assert len(disk.getvalue().splitlines()) == 11


def test_a_reader_that_has_gone_stops_nobody():
    class Gone(Disk):
        def write(self, _text):
            raise BrokenPipeError

    lines = lines_on(Gone())
    lines.info("nobody hears")
    time.sleep(0.05)
    lines.info("nor this")
    assert lines._thread.is_alive()


@pytest.mark.parametrize("why", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed file")])
def test_a_warning_that_cannot_be_written_is_nobodys_fault(monkeypatch, why):
    class Full(Disk):
        def write(self, _text):
            raise why

    monkeypatch.setattr(log_lines, "MOST", 1)
    lines = lines_on(Full(), moment=5)
    lines.critical("nobody hears")
    for _ in range(3):
        lines.info("nor this")


def test_after_the_end_a_line_is_written_at_once():
    disk = Disk()
    lines = lines_on(disk)
    lines.close()
    lines.info("late")
    assert disk.getvalue() == "late\n"
