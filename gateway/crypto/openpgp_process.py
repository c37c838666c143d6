"""gpg as a process that is not waited for for ever: with a card that was pulled out, its agent asks and asks.

python-gnupg 0.5.7 knows no deadline, so the process that it opens is kept here, and ended when its time is over.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

import gnupg

SECONDS = 30.0
_ALONE = ("--no-auto-key-retrieve", "--no-auto-key-locate")
T = TypeVar("T")


class TimedGpg(gnupg.GPG):  # type: ignore[misc]  # python-gnupg has no types
    """A GnuPG home; :meth:`within` bounds one call. For one thread at a time."""

    def __init__(self, home: Path, *options: str, keyring: Path | None = None, seconds: float = SECONDS) -> None:
        """``keyring`` takes the place of the home's public keys; the secret ones stay its agent's."""
        self._seconds = seconds
        self._processes: tuple[subprocess.Popen[bytes], ...] = ()
        keyrings = [str(keyring)] if keyring else None
        super().__init__(gnupghome=str(home), keyring=keyrings, options=[*_ALONE, *options])

    def within(self, call: Callable[..., T], *given: object, **more: object) -> tuple[T, bool]:
        """What ``call`` of this gpg gives, and whether it ended by itself; else its agent is ended as well.

        The next call begins with a fresh one: the old one goes on asking for a card that has come back long since.
        """
        over: list[bool] = []

        def end() -> None:
            over.append(True)
            for process in self._processes:
                process.kill()

        timer = Timer(self._seconds, end)
        timer.daemon = True
        timer.start()
        try:
            given_back = call(*given, **more)
        finally:
            timer.cancel()
        if over:
            end_agent(Path(self.gnupghome))
        return given_back, not over

    def _open_subprocess(self, args: Sequence[str], passphrase: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 (python-gnupg's own)
        process = super()._open_subprocess(args, passphrase)
        self._processes = (process,)
        return process


def end_agent(home: Path) -> None:
    """End the gpg-agent of a home, with what it started."""
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)
