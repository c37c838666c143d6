"""A file that breaks its reader, a machine that has no time, a reader that cannot start: told, never a traceback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import typer

from commands import check_reading
from commands.check_files import Given
from commands.check_reading import look_at, read
from gateway.document import Reading
from gateway.errors import ReaderUnavailable, ReadingFailed
from gateway.parsers.children import Readers

MISBEHAVING = (str(Path(__file__).parents[1] / "parsers/misbehaving_reader.py"),)


def item(content: bytes) -> Given:
    return Given(name="x", content=content, size=len(content))


@pytest.fixture
async def hostile() -> AsyncIterator[Readers]:
    readers = Readers(children=1, memory=256 << 20, seconds=30, program=MISBEHAVING)
    await readers.start()
    yield readers
    await readers.close()


async def test_a_file_that_kills_its_reader_is_a_finding(hostile: Readers) -> None:
    reading = await read(item(b"segfault"), hostile)
    assert [one.code for one in reading.findings] == ["reader-broken"]
    assert not reading.accepted


class Starved(Readers):
    """A pool on a machine that stands still so many times."""

    def __init__(self, times: int, failure: Exception | None = None) -> None:
        super().__init__(children=0)
        self.times, self.failure = times, failure

    async def look(self, content: bytes, *, name: str = "", expect_mail: bool = False) -> Reading:
        if self.failure:
            raise self.failure
        self.times -= 1
        if self.times >= 0:
            raise ReaderUnavailable("reader-starved")
        return Reading(format="text")


async def test_what_takes_too_long_is_a_finding_of_its_own() -> None:
    reading = await read(item(b"x"), Starved(0, ReadingFailed("reader-too-slow")))
    assert [one.code for one in reading.findings] == ["reader-slow"]


async def test_a_machine_that_stood_still_is_asked_again() -> None:
    assert (await read(item(b"x"), Starved(2))).format == "text"
    with pytest.raises(ReaderUnavailable):
        await read(item(b"x"), Starved(3))


def test_where_no_reader_can_start_it_is_a_temporary_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unstartable(Readers):
        async def start(self) -> None:
            raise ReadingFailed("reader-start OSError")

    monkeypatch.setattr(check_reading, "Readers", Unstartable)
    monkeypatch.setenv("HUITAINE_LANG", "en")
    with pytest.raises(typer.Exit) as left:
        list(look_at([item(b"x")], None, strict=False))
    assert left.value.exit_code == 4
    assert "no reading process can be started here" in capsys.readouterr().err
