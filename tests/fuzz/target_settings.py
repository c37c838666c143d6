"""The settings file: settings, or SettingsError in words."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from config.settings import SettingsError, load

FOLDER = Path(tempfile.mkdtemp(prefix="huitaine-fuzz-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
ROOT = Path(__file__).resolve().parents[2]
WORDS = (
    b"[smtp]\n",
    b"[queue]\n",
    b"[sources.a]\n",
    b"min_free_share = ",
    b"retry_minutes = [",
    b"= nan\n",
    b"= 1e999\n",
    b"'''",
    b"1979-05-27",
    b"= -1\n",
)


def seeds() -> list[bytes]:
    whole = (ROOT / "config" / "huitaine.toml").read_bytes()
    return [
        whole,
        b"[queue]\nretry_minutes = [1, 2]\n",
        b"[sources.dpi]\nsenders = ['@a.test']\n",
        b"[gateway]\nx = 1\n",
    ]


def run(data: bytes) -> None:
    path = FOLDER / "huitaine.toml"
    path.write_bytes(data)
    try:
        load(path)
    except SettingsError as refusal:
        if not str(refusal):
            raise AssertionError("a refusal without words") from refusal
