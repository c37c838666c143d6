"""What `huitaine check` is given to look at: files, folders, standard input; never more of one than a door takes."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from commands.output import say
from gateway.parsers.detect import Format, detect

STANDARD_INPUT = "-"
MOST_FILES = 1_000
LIMIT = 26_214_400
"""What the doors take unless the settings say otherwise."""
_HEAD = 65_536
_MEMBERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One file to look at; ``content`` stops one byte behind the limit, ``size`` is the whole."""

    name: str
    content: bytes = field(repr=False)
    size: int
    is_too_large: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRead:
    """A file that could not be read, and why in the reader's language."""

    name: str
    why: str


def given(arguments: Sequence[str], limit: int) -> Iterator[Given | NotRead]:
    """Each file that is named, those of a folder in the order of their names; hidden ones and links are left alone."""
    for argument in arguments:
        if argument == STANDARD_INPUT:
            content = sys.stdin.buffer.read(limit + 1)
            yield _of(say("standard input", "entrée standard"), content, len(content), limit)
        else:
            yield from _named(Path(argument), limit)


def _named(path: Path, limit: int) -> Iterator[Given | NotRead]:
    try:
        is_folder = path.is_dir()
    except OSError as problem:  # a folder above it is closed to us
        yield _not_read(path, problem)
        return
    yield from _folder(path, limit) if is_folder else [_file(path, limit)]


def members(content: bytes) -> str:
    """What an ordinary ZIP archive holds: ``bilan.hpr (hprim-medecin), …``; empty when it cannot be read."""
    from gateway.parsers.xdm.archive import UNPACKING  # noqa: PLC0415 - lxml, which other files do not need

    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            told = [f"{info.filename} ({_format(archive, info)})" for info in infos[:_MEMBERS]]
    except (*UNPACKING, KeyError):
        return ""
    return ", ".join(told) + (f", … {len(infos)}" if len(infos) > _MEMBERS else "")


def _format(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Format:
    with archive.open(info) as member:
        return detect(member.read(_HEAD), info.filename)


def _folder(folder: Path, limit: int) -> Iterator[Given | NotRead]:
    try:
        within = sorted(path for path in folder.rglob("*") if _is_shown(path.relative_to(folder)))
        files = [path for path in within if path.is_file() and not path.is_symlink()]
        list(folder.iterdir())  # rglob says nothing of a folder that it may not read
    except OSError as problem:
        yield _not_read(folder, problem)
        return
    if not files:
        yield NotRead(name=str(folder), why=say("no file in this folder", "aucun fichier dans ce dossier"))
    yield from (_file(path, limit) for path in files[:MOST_FILES])
    if len(files) > MOST_FILES:
        why = say(f"{len(files) - MOST_FILES} more files: check them in parts", f"{len(files) - MOST_FILES} fichiers "
                  "de plus : vérifiez-les en plusieurs fois")  # fmt: skip
        yield NotRead(name=str(folder), why=why)


def _is_shown(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def _file(path: Path, limit: int) -> Given | NotRead:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
            return _of(str(path), content, max(len(content), path.stat().st_size), limit)
    except (OSError, ValueError) as problem:
        return _not_read(path, problem)


def _of(name: str, content: bytes, size: int, limit: int) -> Given:
    return Given(name=name, content=content, size=size, is_too_large=size > limit)


def _not_read(path: Path, problem: OSError | ValueError) -> NotRead:
    known = {
        "FileNotFoundError": say("no such file", "fichier introuvable"),
        "PermissionError": say("no right to read it", "droit de lecture refusé"),
        "IsADirectoryError": say("it is a folder", "c'est un dossier"),
    }
    name = type(problem).__name__
    return NotRead(name=str(path), why=known.get(name) or getattr(problem, "strerror", None) or name)
