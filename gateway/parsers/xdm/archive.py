"""A foreign zip archive without its dangers: all is checked before a byte is unpacked (promises.md §2)."""

from __future__ import annotations

import codecs
import re
import stat
import struct
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

from gateway.errors import UnreadableDocument
from gateway.parsers.remarks import error

MAX_UNPACKED = 100 * 1024 * 1024
MAX_FILES = 2_000

_MAX_DIRECTORY = 1024 * 1024
_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_NAME = re.compile(r"[^\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069:\\]{1,255}")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
UNPACKING = (
    BadZipFile,
    LargeZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    zlib.error,
    struct.error,
)
"""All that ``zipfile`` is known to raise over bytes of others."""

codecs.lookup("cp437")  # Names of entries; loaded with the module: a reading child can open no file later.


@dataclass(frozen=True, slots=True)
class Archive:
    """The checked archive: names with ``/`` and in capitals, each to its entry."""

    _zip: ZipFile = field(repr=False)
    _entries: dict[str, ZipInfo] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files, in capitals: IHE XDM writes 8.3 names, some senders do not."""
        return tuple(self._entries)

    def read(self, name: str) -> bytes | None:
        """The file of that name whatever its case, ``None`` when there is none.

        Raises ``UnreadableDocument`` when it cannot be unpacked or its CRC is wrong.
        """
        entry = self._entries.get(name.upper())
        if entry is None:
            return None
        try:
            with self._zip.open(entry) as file:
                content = file.read(entry.file_size + 1)
        except UNPACKING:
            _refuse("zip-damaged", "a file in it is damaged (wrong CRC or broken data); send the archive again")
        if len(content) != entry.file_size:
            _refuse("zip-damaged", "a file in it has not the size that the archive states; send the archive again")
        return content


def open_archive(content: bytes) -> Archive:
    """The archive, refused (``UnreadableDocument``) unless every reader would see the same harmless files in it.

    At most 2,000 files and 100 MB unpacked; nothing encrypted, overlapping, hidden before or between the entries,
    twice under one name, named as a path that leads out, or a zip inside the zip; stored or deflated only.
    """
    _check_end(content)
    try:
        archive = ZipFile(BytesIO(content))
        entries = archive.infolist()
    except UNPACKING:
        _refuse("zip-damaged", "it cannot be opened as a zip archive; send it again whole")
    _check_sizes(entries)
    _check_layout(content, entries, archive.start_dir)
    named: dict[str, ZipInfo] = {}
    for entry in entries:
        name = _name(entry)
        if entry.is_dir():
            continue
        if name in named:
            _refuse("zip-duplicate-name", "two files in it have the same name; keep one of them")
        named[name] = entry
    return Archive(archive, named)


def _check_end(content: bytes) -> None:
    """The end record, before ``zipfile`` builds an object for each of 65,000 entries."""
    at = content.rfind(b"PK\x05\x06")
    if not content.startswith(b"PK\x03\x04") or at < 0 or at + _END.size > len(content):
        _refuse("not-a-zip", "it is no zip archive, or its end is missing; send it again whole")
    _, _, _, _, count, size, offset, comment = _END.unpack_from(content, at)
    # A zip64 record would override these numbers, and an archive of 100 MB needs none.
    if content[max(at - 20, 0) : at].startswith(b"PK\x06\x07"):
        _refuse("zip-64", "it is a zip64 archive; pack it as an ordinary zip")
    if at + _END.size + comment != len(content):
        _refuse("zip-hidden-data", "something stands behind its end; pack it again")
    if count > MAX_FILES or size > _MAX_DIRECTORY:
        _refuse("zip-too-many-files", f"more than {MAX_FILES:,} files; send an archive of one submission")
    if offset + size > at:
        _refuse("zip-damaged", "its directory does not lie where its end says; send it again whole")


def _check_sizes(entries: list[ZipInfo]) -> None:
    if len(entries) > MAX_FILES:
        _refuse("zip-too-many-files", f"more than {MAX_FILES:,} files; send an archive of one submission")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        _refuse("zip-too-large", f"unpacks to more than {MAX_UNPACKED >> 20} MB; send a smaller archive")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        _refuse("zip-encrypted", "encrypted inside; send the archive without a password: the mail itself is encrypted")
    if any(entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for entry in entries):
        _refuse("zip-compression", "compressed otherwise than by deflate; pack it as an ordinary zip")


def _check_layout(content: bytes, entries: list[ZipInfo], directory: int) -> None:
    """Entries follow one another from byte 0 to the directory (CVE-2024-0450: Python before 3.11.8 does not look)."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    if ordered and ordered[0].header_offset != 0:
        _refuse("zip-hidden-data", "something stands before its first file; pack it again")
    ends = [*(entry.header_offset for entry in ordered[1:]), directory]
    for entry, following in zip(ordered, ends, strict=False):
        if _end(content, entry) > following:
            _refuse("zip-overlap", "entries overlap; pack it again")


def _end(content: bytes, entry: ZipInfo) -> int:
    if entry.header_offset + _LOCAL.size > len(content):
        return len(content) + 1
    fields = _LOCAL.unpack_from(content, entry.header_offset)
    return entry.header_offset + _LOCAL.size + int(fields[9]) + int(fields[10]) + entry.compress_size


def _name(entry: ZipInfo) -> str:
    """The name in capitals, with ``/`` for the back-slashes some senders write.

    We never use it as a path, but whoever gets the archive might.
    """
    name = entry.orig_filename.replace("\\", "/").removesuffix("/")
    parts = name.split("/")
    odd = any(part in {"", ".", ".."} or _DEVICES.fullmatch(part) for part in parts)
    if odd or not _NAME.fullmatch(name) or stat.S_ISLNK(entry.external_attr >> 16):
        _refuse("zip-name-refused", "a file in it has a name that leads out of the archive or hides; pack it again")
    if name.lower().endswith(".zip"):
        _refuse("zip-nested", "it holds another archive; send one archive")
    return name.upper()


def _refuse(code: str, words: str) -> NoReturn:
    raise UnreadableDocument((error(code, "IHE_XDM.zip", f"XDM refused: {words}"),))
