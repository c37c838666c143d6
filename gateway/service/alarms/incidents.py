"""What goes wrong in other threads and stations, counted by the alarm it may raise; whoever counts knows no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock

ADDRESSEES_UNCHECKED, SIGNERS_UNCHECKED = "addressees-unchecked", "signers-unchecked"
OPENINGS_FAIL = "openings-fail"
CODES = (ADDRESSEES_UNCHECKED, SIGNERS_UNCHECKED, OPENINGS_FAIL)


class Incidents:
    """Counters since the start; threads may share them."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self._lock = Lock()
        self._times: Counter[str] = Counter()

    def counting(self, code: str) -> Callable[[], None]:
        """To be called each time it happens."""
        return partial(self._happened, code)

    def times(self) -> Mapping[str, int]:
        """How often each of the codes happened."""
        with self._lock:
            return {code: self._times[code] for code in CODES}

    def _happened(self, code: str) -> None:
        with self._lock:
            self._times[code] += 1
