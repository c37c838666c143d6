"""gpg as a process that is not waited for for ever: with a card that was pulled out, its agent asks and asks.

python-gnupg 0.5.7 knows no deadline, so the process that it opens is kept here, and ended when its time is over.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock, Timer
from typing import Any, TypeVar

import gnupg

from gateway.errors import TokenUnavailable
from gateway.moments import utc_now

SECONDS = 30.0
_ENDING = 5.0
"""Seconds for the agent to end: it hangs itself when the reader of its card does."""
_REST = timedelta(seconds=60)
"""So long nobody asks a card that did not answer."""
_ALONE = ("--no-auto-key-retrieve", "--no-auto-key-locate")
T = TypeVar("T")


class TimedGpg(gnupg.GPG):  # type: ignore[misc]  # python-gnupg has no types
    """A GnuPG home; :meth:`within` bounds what is done with it. For one thread at a time."""

    def __init__(self, home: Path, *options: str, keyring: Path | None = None, seconds: float = SECONDS) -> None:
        """``keyring`` takes the place of the home's public keys; the secret ones stay its agent's."""
        self._seconds = seconds
        self._over = False
        self._processes: tuple[subprocess.Popen[bytes], ...] = ()
        keyrings = [str(keyring)] if keyring else None
        super().__init__(gnupghome=str(home), keyring=keyrings, options=[*_ALONE, *options])

    def within(self, work: Callable[[], T]) -> T:
        """What ``work``, all calls of this gpg together, gives or raises; TimeoutError when its time is over.

        Then its agent is ended as well: the old one would go on asking for a card that has come back long since.
        """
        self._over = False
        timer = Timer(self._seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            return work()
        finally:
            timer.cancel()
            if self._over:  # what a gpg that was ended gave, or python-gnupg raised for its broken pipe, is nothing
                end_agent(Path(self.gnupghome))
                raise TimeoutError

    def _end(self) -> None:
        self._over = True
        for process in self._processes:
            process.kill()

    def _open_subprocess(self, args: Sequence[str], passphrase: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 (python-gnupg's own)
        process = super()._open_subprocess(args, passphrase)
        self._processes = (process,)
        if self._over:  # the time ended between two calls
            process.kill()
        return process


class AgentTurns:
    """Whose turn it is to ask the agent of one GnuPG home, and whether it answers at all.

    Shared by all that use the home: who ends a silent agent would end it for the others, too.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        """Nobody has asked yet."""
        self._clock, self._lock = clock, Lock()
        self._silent_at: datetime | None = None

    def ask(self, gpg: TimedGpg, work: Callable[[], T]) -> T:
        """What ``work`` with ``gpg`` gives, alone with its home; TokenUnavailable when there is no answer in time.

        That is then said of all that follows at once, for a minute, and after it while the first one tries again.
        """
        self._refuse_while_silent()
        with self._lock:
            self._refuse_while_silent()
            self._silent_at = self._clock() if self._silent_at else None
            silent_at = None
            try:
                return gpg.within(work)
            except TimeoutError as error:
                silent_at = self._clock()
                raise TokenUnavailable("gpg: no answer in time") from error
            finally:
                self._silent_at = silent_at

    def _refuse_while_silent(self) -> None:
        since = self._silent_at
        if since is not None and timedelta() <= self._clock() - since < _REST:
            raise TokenUnavailable("gpg: no answer a moment ago")


def end_agent(home: Path) -> None:
    """End the gpg-agent of a home, with what it started; who does not let itself be ended is left after some seconds.

    No pipe is read: one that gpgconf's own children hold would be waited for beyond any timeout.
    """
    command = ["gpgconf", "--homedir", str(home), "--kill", "all"]
    nothing = subprocess.DEVNULL
    with suppress(OSError):
        ending = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        try:
            ending.wait(_ENDING)
        except subprocess.TimeoutExpired:
            os.killpg(ending.pid, signal.SIGKILL)
            ending.wait()
