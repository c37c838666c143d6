"""When our certificates, revocation lists and the white list end; files are read again only when they changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from pydantic import BaseModel

from config.settings import Settings
from gateway.crypto.keystore import KeyStore
from gateway.service.from_settings.tls import revocation_lists

CERTIFICATE, CRL = "certificate", "client_crl"


@dataclass(frozen=True, slots=True)
class End:
    """When something of ours ends; ``name`` is its place in the settings, never a host or a domain."""

    name: str
    at: datetime


class Ends:
    """Asks the files that the settings name."""

    def __init__(self, settings: Settings) -> None:
        """The signing identity is read now: what is put in its place later counts after a restart, as it signs."""
        self._certificates = dict(_files(settings, CERTIFICATE))
        self._lists = dict(_files(settings, CRL))
        self._signing = tuple(_signing(settings))
        self._known: dict[Path, tuple[list[tuple[int, int]], datetime | None]] = {}

    def certificates(self) -> list[End]:
        """The ends of the signing identity and of every certificate file that can be read."""
        return [*self._signing, *self._ends(self._certificates, _certificate_end)]

    def lists(self) -> list[End]:
        """The next updates of the revocation lists; a folder of them has the soonest."""
        return self._ends(self._lists, _list_end)

    def _ends(self, files: Mapping[str, Path], read: Any) -> list[End]:  # noqa: ANN401 (one of the two below)
        found = ((name, self._end(path, read)) for name, path in files.items())
        return [End(name, at) for name, at in found if at is not None]

    def _end(self, path: Path, read: Any) -> datetime | None:  # noqa: ANN401 (as above)
        """``None`` for a file that is gone or unreadable: whoever needs it says so himself."""
        try:
            changed = [(each.stat().st_mtime_ns, each.stat().st_size) for each in _plain_files(path)]
            if path not in self._known or self._known[path][0] != changed:
                self._known[path] = (changed, read(path))
        except (OSError, ValueError):
            return None
        return self._known[path][1]


def _files(model: BaseModel, key: str, place: str = "") -> Iterator[tuple[str, Path]]:
    """Every file that a key of this name gives, by section; tables with names of the administrator's share one."""
    for name in type(model).model_fields:
        value, here = getattr(model, name), f"{place}.{name}".lstrip(".")
        if name == key and isinstance(value, Path):
            yield place, value
        elif isinstance(value, BaseModel):
            yield from _files(value, key, here)
        elif isinstance(value, dict):
            for number, inner in enumerate(value.values(), 1):
                if isinstance(inner, BaseModel):
                    yield from _files(inner, key, f"{here}.{number}")


def _signing(settings: Settings) -> Iterator[End]:
    for key in KeyStore(settings.gateway.data / "keys", b"").list():
        if key.name == settings.crypto.identity and key.certificates:
            yield End("signing", key.certificates[0].not_valid_after_utc)


def _certificate_end(path: Path) -> datetime:
    """The leaf is the first of the file."""
    return x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc


def _plain_files(path: Path) -> list[Path]:
    """The file, or those of a folder: one that is written over does not change the folder."""
    return sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]


def _list_end(path: Path) -> datetime | None:
    lists = (each for file in _plain_files(path) for each in revocation_lists(file.read_bytes()))
    return min(filter(None, (each.next_update_utc for each in lists)), default=None)
