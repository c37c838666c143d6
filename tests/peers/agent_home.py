"""A GnuPG home with our secret key under a password, as a card is under its PIN; and a gpg that hangs when told to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from gateway.crypto.openpgp_process import end_agent
from tests.peers.running import need, open_folder

PASSWORD = "123456"


@dataclass(frozen=True)
class Home:
    """Where it is, and whose key it has."""

    path: Path
    fingerprint: str


@contextmanager
def agent_home(address: str) -> Iterator[Home]:
    """One key for ``address``; its agent is ended at the end."""
    need("gpg", "gpgconf")
    with open_folder("hag") as folder:
        folder.chmod(0o700)
        base = ["gpg", "--homedir", str(folder), "--batch", "--yes", "--pinentry-mode", "loopback"]
        base += ["--passphrase", PASSWORD]
        made = [*base, "--quick-gen-key", f"Hopital <{address}>", "future-default", "default", "1y"]
        subprocess.run(made, check=True, capture_output=True)
        listed = subprocess.run([*base, "--with-colons", "-K"], check=True, capture_output=True, text=True).stdout
        fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        yield Home(folder, fingerprint)
        end_agent(folder)


class _Watch(Thread):
    def __init__(self, watch: Callable[[], None], over: Event) -> None:
        super().__init__(target=watch)
        self.cancel = over.set


@dataclass(frozen=True)
class SilentGpg:
    """A ``gpg`` to put first on the path: it hangs at one verb, as it does when its agent asks for a card."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> SilentGpg:
        """Nothing hangs yet."""
        true = shutil.which("gpg")
        script = (
            "#!/bin/sh\n"
            'for word in "$@"; do\n'
            f'case "$word" in --encrypt|--import|--decrypt) echo "$word" >> {folder}/asked;; esac\n'
            f'[ -e "{folder}/hangs$word" ] && touch {folder}/hanging && exec sleep 60\n'
            "done\n"
            f'exec {true} "$@"\n'
        )
        (folder / "gpg").write_text(script)
        (folder / "gpg").chmod(0o700)
        return cls(folder)

    @property
    def path(self) -> str:
        """For ``PATH``."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    def hang(self, verb: str) -> None:
        """From now on."""
        (self.folder / f"hangs{verb}").touch()

    def timer(self, _seconds: float, end: Callable[[], None]) -> _Watch:
        """In the place of a Timer: the time is over as soon as gpg hangs, on a slow machine as well."""
        over = Event()

        def watch() -> None:
            while not over.wait(0.01):
                if (self.folder / "hanging").exists():
                    (self.folder / "hanging").unlink()
                    end()
                    return

        return _Watch(watch, over)

    def answer(self, verb: str) -> None:
        """As the true one does."""
        (self.folder / f"hangs{verb}").unlink()

    def asked(self, verb: str) -> int:
        """How often."""
        log = self.folder / "asked"
        return log.read_text().split().count(verb) if log.exists() else 0
