"""Where an installation's settings are; apart from ``setup.py``, which knows the database and is slow to load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from commands.output import Exit, fail

if TYPE_CHECKING:
    from config.settings import Settings

PLACES = (Path("huitaine.toml"), Path("/etc/huitaine/huitaine.toml"))


def settings_path() -> Path:
    """The settings file of ``--config``, else of this folder, else of /etc/huitaine."""
    named = os.environ.get("HUITAINE_CONFIG")
    if named:
        return Path(named)
    return next((place for place in PLACES if place.is_file()), PLACES[0])


def is_installed() -> bool:
    """Whether settings are here, or were asked for with ``--config``."""
    return bool(os.environ.get("HUITAINE_CONFIG")) or settings_path().is_file()


def settings() -> Settings:
    """The settings; exit 2 with a line for each thing that is wrong in them."""
    from config.settings import SettingsError, load  # noqa: PLC0415  # half a second, which not every look needs

    try:
        return load(settings_path())
    except SettingsError as error:
        fail(str(error), Exit.USAGE)
