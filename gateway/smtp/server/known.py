"""From which networks each login was right before: whoever guesses elsewhere does not lock those out (promise E5).

Kept in a file, because a restart would else put every hospital's software on a level with its guessers. A line is a
network and a login, no secret and nobody's name.
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog

_MOST = 10_000
_log = structlog.get_logger()


class KnownNetworks:
    """Pairs of login and network; without a file they are forgotten with the process."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._pairs = self._read()

    def __contains__(self, pair: tuple[bytes, str]) -> bool:
        return pair in self._pairs

    def add(self, login: bytes, network: str) -> None:
        """Remember one more; a disk that cannot take the line costs the memory of it, not the login."""
        if (login, network) in self._pairs or len(self._pairs) >= _MOST:
            return
        self._pairs.add((login, network))
        if self._file is None:
            return
        try:
            out = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(out, "wb") as lines:
                lines.write(network.encode() + b" " + login.hex().encode() + b"\n")
        except OSError as error:
            _log.warning("smtp_known_network_not_written", error=type(error).__name__)

    def _read(self) -> set[tuple[bytes, str]]:
        try:
            lines = self._file.read_text(encoding="ascii", errors="replace").splitlines() if self._file else []
        except OSError:
            return set()
        return {pair for line in lines[-_MOST:] if (pair := _pair(line))}


def _pair(line: str) -> tuple[bytes, str] | None:
    network, _, login = line.partition(" ")
    try:
        return bytes.fromhex(login), network
    except ValueError:
        return None
