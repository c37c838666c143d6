"""SoftHSM, a PKCS #11 token in files: one folder of tokens for each test process, because its module reads it once."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

import pkcs11

from gateway.crypto.tokens.token import TokenPlace
from tests.peers.running import absent, need

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "huitaine-1234"
_numbers = count(1)


def fresh_token() -> TokenPlace:
    """An empty token of its own label."""
    need("softhsm2-util")
    if not MODULE.is_file():
        absent("SoftHSM's module is not where Debian puts it")
    _folder()
    label = f"essai-{os.getpid()}-{next(_numbers)}"
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "87654321"]
    subprocess.run(command, check=True, capture_output=True)
    _seen_anew()
    return TokenPlace(module=MODULE, label=label, pin=PIN)


@cache
def _folder() -> Path:
    """Where this process's tokens are; programs that it starts find them too."""
    folder = Path(tempfile.mkdtemp(prefix="hzhsm"))
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _seen_anew() -> None:
    """A module that is loaded does not see a token made by another program; sessions of before end."""
    pkcs11.lib(str(MODULE)).reinitialize()
