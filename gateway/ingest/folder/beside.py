"""The files of a drop that an HPRIM Santé message names, kept with it as one letter (standards/hprim.md §2.3, FIC).

What is named is looked for among the files of the same folder by its bare name, never by a path; a letter of its own is
nobody's attachment. Message and files become one RFC 2046 mail: what was kept can be read again without the folder.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from base64 import encodebytes
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from gateway.errors import TooLarge
from gateway.ingest.folder.settings import FolderSettings
from gateway.ingest.folder.submit import StillWritten, read_whole
from gateway.ingest.folder.watch import EXTENSIONS, Notes, Sighting

_START = re.compile(rb"[\xef\xbb\xbf\s\x0b]*H([^\sA-Za-z0-9])([^\sA-Za-z0-9]{3,4})\1")
_NAME = re.compile(r"\w[\w .()-]{0,60}\.[A-Za-z0-9]{1,5}")
_MOST = 20


class Beside:
    """Remembers since when each file that a message names stands still."""

    def __init__(self, settings: FolderSettings) -> None:
        self._settings = settings
        self._since: Notes[float] = Notes()

    async def files(self, content: bytes) -> dict[Sighting, bytes]:
        """The files that ``content`` names and that lie beside it, read whole.

        Raises ``StillWritten`` while one of them does not stand still, ``TooLarge`` when all together pass the limit.
        """
        names = named_in(content)
        if not names:
            return {}
        seen = await asyncio.to_thread(_sighted, self._settings.path, names)
        if len(content) + sum(one.size for one in seen) > self._settings.origin.max_size:
            raise TooLarge("with its files")
        now = asyncio.get_running_loop().time()
        since = [self._since.get(one) for one in seen]
        for one, stood in zip(seen, since, strict=True):
            if stood is None:
                self._since.put(one, now)
        settle = self._settings.settle.total_seconds()
        if any(stood is None or now - stood < settle for stood in since):
            raise StillWritten("a file that it names")
        return {one: await self._read(one) for one in seen}

    async def _read(self, one: Sighting) -> bytes:
        path, largest = self._settings.path / one.name, self._settings.origin.max_size
        try:
            return await asyncio.to_thread(read_whole, path, one, largest)
        except FileNotFoundError as error:
            raise StillWritten("a file that it names") from error


def _sighted(folder: Path, names: tuple[str, ...]) -> list[Sighting]:
    """Regular files only: a link or a folder of that name did not come along."""
    status = {name: os.lstat(folder / name) for name in found(folder, names)}
    return [Sighting.of(name, one) for name, one in status.items() if stat.S_ISREG(one.st_mode)]


def named_in(content: bytes) -> tuple[str, ...]:
    """The bare file names in 10.6 of the ``FIC`` results, at most twenty; none where it is no HPRIM Santé."""
    marks = _START.match(content)
    if marks is None or b"FIC" not in content:
        return ()
    field, sub = marks[1].decode(), marks[2].decode()[:2]
    text = re.sub(rf"[\r\n]+A{re.escape(field)}", "", content.decode("iso-8859-1"))
    names: dict[str, None] = {}
    for line in re.split(r"[\r\n]+", text):
        fields = line.split(field, 6)
        if fields[0].strip() == "OBX" and len(fields) > 5 and fields[2].strip().upper() == "FIC":
            names |= dict.fromkeys(part.strip() for part in re.split(f"[{re.escape(sub)}]", fields[5]))
    return tuple(name for name in names if _NAME.fullmatch(name))[:_MOST]


def found(folder: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``names`` that lie in the folder, as they are called there; case does not count."""
    wanted = {name.casefold() for name in names if Path(name).suffix.lower() not in {*EXTENSIONS, ".ok"}}
    if not wanted:
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.name.casefold() in wanted))


def together(content: bytes, name: str, files: Mapping[str, bytes]) -> bytes:
    """The message as it is and its files, as one mail; the same bytes for the same files."""
    digest = sha256(content)
    for one in files.values():
        digest.update(one)
    boundary = f"=_huitaine-{digest.hexdigest()[:40]}".encode()
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\r\n'
    parts = [_part(one_name, one) for one_name, one in ((name, content), *files.items())]
    return head + b"".join(b"\r\n--" + boundary + b"\r\n" + part for part in parts) + b"\r\n--" + boundary + b"--\r\n"


def _part(name: str, content: bytes) -> bytes:
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in " ._()-") else "_" for sign in name)
    head = f'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="{plain}"\r\n'
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode() + encodebytes(content).replace(b"\n", b"\r\n")
