"""Where this installation is: its settings, its folders, and a read-only look at its database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from commands.output import Exit, fail
from config.settings import Settings, SettingsError, load
from gateway.queue.sqlite import open_reader

PLACES = (Path("huitaine.toml"), Path("/etc/huitaine/huitaine.toml"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One installation as a command sees it."""

    settings: Settings

    @property
    def data(self) -> Path:
        """The folder of the databases and of the key store."""
        return self.settings.gateway.data

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A read-only connection to the main database; exit 3 when there is none yet."""
        path = self.data / "huitaine.db"
        if not path.exists():
            fail("no database yet; `huitaine serve` makes it", Exit.REFUSED)
        engine = open_reader(path)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


def installation() -> Installation:
    """The installation of ``--config``, else of this folder, else of /etc/huitaine; exit 2 when it cannot be used."""
    try:
        return Installation(settings=load(_settings_path()))
    except SettingsError as error:
        fail(str(error), Exit.USAGE)


def _settings_path() -> Path:
    named = os.environ.get("HUITAINE_CONFIG")
    if named:
        return Path(named)
    return next((place for place in PLACES if place.is_file()), PLACES[0])
