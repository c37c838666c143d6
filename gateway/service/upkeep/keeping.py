"""Backup and restore of an installation: one file with a manifest, and the keys in a file of their own.

The archive (tar, 0600) holds the queue without its keys, the directory, the white list, the hospital's own addressees
and the settings; never a secret. ``manifest.json`` names each with size and SHA-256.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from gateway.crypto.private_file import read_private, write_private
from gateway.errors import DatabaseRefused
from gateway.queue import copying, holding, keyring, queries, verifying
from gateway.queue.bodies import AtRest
from gateway.queue.opening import NAME, open_disk
from gateway.queue.sqlite import Lock, open_reader

MANIFEST = "manifest.json"
BESIDE = ("directory.db", "whitelist.db", "addressees.db")
SETTINGS = "huitaine.toml"
IN_ARCHIVE = frozenset({MANIFEST, NAME, *BESIDE, SETTINGS})
VERSION = 1
_KEYS = "huitaine keys 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore found."""

    made_at: str
    counts: dict[str, int]
    may_have_left: list[dict[str, Any]]


def back_up(data: Path, settings: Path, archive: Path, *, at: datetime, told: copying.Told) -> dict[str, Any]:
    """Write the archive, whole or not at all, while the gateway works; gives its manifest. Raises DatabaseRefused."""
    with _workplace(archive.parent) as place:
        counts = copying.copy(data / NAME, place / NAME, told)
        for name in BESIDE:
            if (data / name).exists():
                _copy_database(data / name, place / name)
        shutil.copyfile(settings, place / SETTINGS)
        files = {each.name: _described(each) for each in sorted(place.iterdir())}
        manifest = {"version": VERSION, "made_at": at.isoformat(), "rows": counts, "files": files}
        (place / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        _pack(place, archive)
    return manifest


def write_keys(data: Path, target: Path) -> int:
    """Write the keys, wrapped by the master key, in the last ones' place: a destroyed key leaves this file too."""
    kept = copying.keys(data / NAME)
    content = json.dumps({"what": _KEYS, "keys": kept}, indent=1).encode()
    write_private(target, content + b"\n", replace=True)
    return len(kept)


@contextmanager
def unpacked(archive: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files of an archive in a folder that goes afterwards, each as its manifest says; raises DatabaseRefused."""
    with _workplace(archive.parent) as place:
        try:
            with tarfile.open(archive) as tar:
                there = _taken_out(tar, place)
            manifest = json.loads((place / MANIFEST).read_bytes())
            named = manifest["files"]
            wrong = sorted(there ^ named.keys())
            wrong += [name for name in there & named.keys() if _described(place / name) != named[name]]
        except (tarfile.TarError, OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise DatabaseRefused(f"{archive.name}: not a whole backup ({type(error).__name__})") from error
        if wrong or manifest.get("version") != VERSION:
            raise DatabaseRefused(f"{archive.name}: damaged or of another version: {', '.join(wrong) or 'manifest'}")
        yield place, manifest


def put_back(data: Path, archive: Path, keys: Path, vault: AtRest, *, at: datetime) -> Restored:
    """Put an archive into an empty data folder, on hold; raises KeyStoreRefused when keys or master do not fit.

    The queue's file comes last: killed before that, the folder is still without a queue, and the restore is begun anew.
    Raises StorageUnavailable while a gateway runs here: it would go on writing into a file that is gone.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _empty(data), unpacked(archive) as (place, manifest):
        copying.put_keys(place / NAME, _read_keys(keys))
        left = _held(place, vault, at, f"backup of {manifest['made_at']}")
        _move_in(place / SETTINGS, data / f"{SETTINGS}.restored")
        for name in (*BESIDE, NAME):
            if (place / name).exists():
                _move_in(place / name, data / name)
    return Restored(made_at=manifest["made_at"], counts=manifest["rows"], may_have_left=left)


def found_wrong(archive: Path, keys: Path | None, vault: AtRest) -> list[str]:
    """What is wrong with an archive; its letters are opened when its keys are given. Raises DatabaseRefused."""
    with unpacked(archive) as (place, _):
        if keys:
            copying.put_keys(place / NAME, _read_keys(keys))
        return wrong_in(place, vault if keys else None)


def wrong_in(folder: Path, vault: AtRest | None) -> list[str]:
    """What is wrong with the queue in this folder, which may be at work."""
    engine = open_reader(folder / NAME)
    try:
        with engine.connect() as connection:
            if vault is not None:
                vault.hold(keyring.held(connection))
            return list(verifying.problems(connection, vault))
    finally:
        engine.dispose()


@contextmanager
def _empty(data: Path) -> Iterator[None]:
    """Nobody else begins to work here; nothing of a former queue is left, whose log SQLite would play into ours."""
    lock = Lock(data)
    try:
        for name in (NAME, f"{NAME}-wal", f"{NAME}-shm"):
            if (data / name).exists():
                raise DatabaseRefused(f"there is {name} here already: restore into an empty installation")
        yield
    finally:
        lock.release()


def _taken_out(tar: tarfile.TarFile, place: Path) -> set[str]:
    """Plain files by the names that we give, and nothing else (Python 3.11.2 of Debian 12 has no filters for it)."""
    there: set[str] = set()
    for member in tar:
        source = tar.extractfile(member) if member.isreg() and member.name in IN_ARCHIVE - there else None
        if source is None:
            raise tarfile.ReadError("holds what no backup holds")
        with source, (place / member.name).open("xb") as target:
            shutil.copyfileobj(source, target)
        there.add(member.name)
    return there - {MANIFEST}


def _held(place: Path, vault: AtRest, at: datetime, why: str) -> list[dict[str, Any]]:
    """The queue opened with its keys and put on hold; gives what may have left since the backup."""
    disk = open_disk(place, vault, at)
    try:
        with disk.engine.begin() as connection:
            left = holding.hold(connection, at, why)
            rows: list[dict[str, Any]] = [dict(queries.delivery(connection, delivery)) for delivery in left]
            rows += [{"letter_id": letter} for letter in holding.without_rows(connection)]
    finally:
        disk.close()
    names = ("letter_id", "id", "role", "rpps", "attempts")
    return [{name: row.get(name) for name in names} for row in rows]


def _read_keys(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(read_private(path))
        if content["what"] == _KEYS:
            return list(content["keys"])
    except (ValueError, KeyError, TypeError) as error:
        raise DatabaseRefused(f"{path.name}: not a file of keys") from error
    raise DatabaseRefused(f"{path.name}: not a file of keys")


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """On the disk where the result will be, ours alone, gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".huitaine-", dir=folder) as place:
        yield Path(place)


def _copy_database(source: Path, target: Path) -> None:
    with closing(copying.reading(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)
    target.chmod(0o600)


def _described(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": file_digest(file, "sha256").hexdigest()}


def _pack(place: Path, archive: Path) -> None:
    """Manifest first; the archive has its name once it is whole and on the disk."""
    partial = place / "archive.partial"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for each in sorted(place.iterdir(), key=lambda path: path.name != MANIFEST):
                if each != partial:
                    tar.add(each, each.name)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(archive)
    _fsync(archive.parent)


def _move_in(source: Path, target: Path) -> None:
    """Across file systems too: beside the target, fsynced, then under its name."""
    beside = target.with_name(f".{target.name}.restoring")
    shutil.copyfile(source, beside)
    beside.chmod(0o600)
    _fsync(beside)
    beside.replace(target)
    _fsync(target.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
