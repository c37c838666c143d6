"""A national file as it arrives: plain text or inside its ZIP, read block by block and never held whole."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from directory.errors import DirectoryError
from directory.layout import FileKind, Layout, layout_of

LONGEST_LINE = 65_536
"""Longer than any true line by far; what follows up to the line end is skipped."""
_BLOCK = 1 << 17
LARGEST_FILE = 8 * 2**30
_STAMP = re.compile(r"_(\d{12})(?:\D|$)")
_BROKEN_ZIP = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """One national file found in what was given: a path, and the member's name when it lies in a ZIP."""

    path: Path
    member: str | None
    layout: Layout
    size: int

    @property
    def name(self) -> str:
        """The extraction's own name, which carries its date."""
        return Path(self.member or self.path.name).name

    @property
    def kind(self) -> FileKind:
        """Which of the national files it is."""
        return self.layout.kind

    @property
    def published_at(self) -> datetime | None:
        """The stamp ``AAAAMMJJhhmm`` of the name, French time."""
        stamp = _STAMP.search(self.name)
        if not stamp:
            return None
        try:
            local = datetime.strptime(stamp[1], "%Y%m%d%H%M").replace(tzinfo=ZoneInfo("Europe/Paris"))
        except ValueError:
            return None
        return local.astimezone(UTC)

    def blocks(self) -> Iterator[bytes]:
        """All its bytes, the header's first.

        Raises :class:`DirectoryError` ``broken-file`` when the ZIP breaks in the middle (CRC, truncation).
        """
        try:
            with _opened(self.path, self.member) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except _BROKEN_ZIP as error:
            raise DirectoryError("broken-file", f"{self.name}: the ZIP is damaged; download it again") from error


def find_extractions(paths: list[Path]) -> list[Extraction]:
    """The national files in ``paths``, recognised by their headers; other members of a ZIP are passed over.

    Raises :class:`DirectoryError`: ``no-file``, ``broken-file``, ``not-ours``, ``wrong-header``, ``same-kind-twice``.
    """
    found = [extraction for path in paths for extraction in _in_file(path)]
    kinds = [extraction.kind for extraction in found]
    twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
    if twice:
        raise DirectoryError("same-kind-twice", f"two files of {twice} in one import: give the newer one only")
    return found


def _in_file(path: Path) -> list[Extraction]:
    if not path.is_file():
        raise DirectoryError("no-file", f"{path.name}: no such file")
    with path.open("rb") as stream:
        zipped = stream.read(4) == b"PK\x03\x04"
    try:
        members = _members(path) if zipped else [(None, path.stat().st_size)]
        found = [_recognised(path, member, size) for member, size in members]
    except _BROKEN_ZIP as error:
        raise DirectoryError("broken-file", f"{path.name}: the ZIP is damaged; download it again") from error
    ours = [extraction for extraction in found if extraction]
    if not ours:
        raise DirectoryError("not-ours", f"{path.name}, line 1: header of neither national file (UTF-8, '|')")
    return ours


def _members(path: Path) -> list[tuple[str | None, int]]:
    with zipfile.ZipFile(path) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
    if any(info.file_size > LARGEST_FILE for info in files):
        raise DirectoryError("too-large", f"{path.name}: a file in the ZIP is larger than {LARGEST_FILE >> 30} GiB")
    return [(info.filename, info.file_size) for info in files]


def _recognised(path: Path, member: str | None, size: int) -> Extraction | None:
    with _opened(path, member) as stream:
        first = stream.readline(LONGEST_LINE)
    try:
        header = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        if member is not None:
            return None
        raise DirectoryError("wrong-charset", f"{path.name}, line 1: not UTF-8 (byte {error.start})") from error
    layout = layout_of(header, Path(member or path.name).name)
    return Extraction(path=path, member=member, layout=layout, size=size) if layout else None


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    if member is None:
        with path.open("rb", buffering=0) as stream:
            yield stream
    else:
        with zipfile.ZipFile(path) as archive, archive.open(member) as packed:
            yield packed
