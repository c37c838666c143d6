"""Fetches a national file to a place of its own on disk, whole or not at all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from directory.errors import DirectoryError
from directory.extraction import LARGEST_FILE
from directory.https import client, is_https
from directory.progress import Progress

if TYPE_CHECKING:
    import httpx2

_NAME = re.compile(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)", re.IGNORECASE)
_PIECE = 1 << 18
_PREFIX, _DAY = ".national-", 86_400


@contextmanager
def fetched(
    sources: Sequence[str], folder: Path, *, authorities: Path | None, tell: Callable[[Progress], None]
) -> Iterator[list[Path]]:
    """Paths of the sources: those with ``https://`` downloaded into ``folder`` for as long as the context lasts.

    ``authorities`` (PEM) vouch for the servers, the system's when ``None``. Raises :class:`DirectoryError`:
    ``not-https``, ``no-authority``, ``fetch-failed``, ``too-large``. Blocks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    with TemporaryDirectory(prefix=_PREFIX, dir=folder) as place:
        yield [
            _download(source, Path(place), number, authorities, tell) if "://" in source else Path(source)
            for number, source in enumerate(sources)
        ]


def _sweep(folder: Path) -> None:
    """What a killed import left would stay for ever, on the disk that keeps letters; no download takes a day."""
    for left in folder.glob(_PREFIX + "*"):
        with suppress(FileNotFoundError):  # another import has just ended
            if time() - left.stat().st_mtime > _DAY:
                shutil.rmtree(left, ignore_errors=True)


def _download(url: str, place: Path, number: int, authorities: Path | None, tell: Callable[[Progress], None]) -> Path:
    folder = place / str(number)
    folder.mkdir()
    with client(authorities) as asking, asking.stream("GET", is_https(url), follow_redirects=True) as answer:
        way = {one.url.scheme for one in (*answer.history, answer)}
        if answer.status_code != 200 or way != {"https"}:
            raise DirectoryError("fetch-failed", f"the directory's server answered {answer.status_code}: ours stays")
        path = folder / _name(answer)
        _write(answer, path, tell)
    return path


def _write(answer: httpx2.Response, path: Path, tell: Callable[[Progress], None]) -> None:
    total, done = int(answer.headers.get("content-length", "0")), 0
    with path.open("wb") as out:
        for piece in answer.iter_bytes(_PIECE):
            done += len(piece)
            if done > LARGEST_FILE:
                raise DirectoryError("too-large", f"{path.name}: larger than {LARGEST_FILE >> 30} GiB")
            out.write(piece)
            tell(Progress(step="fetch", file=path.name, bytes_done=done, bytes_total=total))


def _name(answer: httpx2.Response) -> str:
    """The stamped name that the server gives, which carries the file's date, else the address's own last part."""
    told = _NAME.search(answer.headers.get("content-disposition", ""))
    name = unquote(told[1]) if told else urlsplit(str(answer.url)).path
    return Path(name.replace("\\", "/")).name[-200:] or "extraction"
