"""How often a source's mails did not open: who sends more of them is not tried for some time (CR-10, CR-34).

Each answer "it does not open" tells a little about the key; a million of them may tell a message (Bleichenbacher).
What is refused here is refused in the same words as everything else that does not open.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from gateway.crypto.header_fields import addresses, raw_fields, unfolded
from gateway.crypto.mime import read_entity
from gateway.errors import NotOpened

_SOURCES = 256
_OTHERS = "\0"
"""All sources together that there is no room for: who invents a sender for each mail fills the room and ends here."""
_LONGEST = 320
RESTING = "source-rests"


@dataclass(slots=True)
class _Source:
    failures: deque[datetime]
    until: datetime | None = None
    """Until when nothing of it is tried."""
    last: datetime = field(init=False)

    def is_quiet(self, at: datetime, window: timedelta) -> bool:
        """Whether it may be forgotten."""
        return (self.until is None or at >= self.until) and at - self.last >= window


class FailedOpenings:
    """Counts in memory, for at most some hundred sources; threads may share it."""

    def __init__(
        self,
        *,
        most: int,
        window: timedelta,
        clock: Callable[[], datetime],
        on_rest: Callable[[], None] = lambda: None,
    ) -> None:
        """So many failures within ``window`` are let pass; then the source rests as long; ``on_rest`` hears of it."""
        self._most, self._window, self._clock, self._on_rest = most, window, clock, on_rest
        self._lock = Lock()
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    @contextmanager
    def trying(self, source: str) -> Iterator[None]:
        """Open a mail of ``source`` inside; NotOpened ``source-rests`` at once when it is not to be tried."""
        if self._is_resting(name := source.lower()[:_LONGEST]):
            raise NotOpened(RESTING)
        try:
            yield
        except NotOpened:
            self._failed(name)
            raise

    def _is_resting(self, name: str) -> bool:
        with self._lock:
            found = self._sources.get(name) or self._sources.get(_OTHERS if self._is_full() else name)
            return found is not None and found.until is not None and self._clock() < found.until

    def _failed(self, name: str) -> None:
        at = self._clock()
        with self._lock:
            source = self._source(name, at)
            source.failures.append(at)
            source.last = at
            begins_to_rest = len(source.failures) > self._most and at - source.failures[0] < self._window
            if begins_to_rest:
                source.until = at + self._window
                source.failures.clear()
        if begins_to_rest:
            self._on_rest()

    def _source(self, name: str, at: datetime) -> _Source:
        if name not in self._sources and self._is_full():
            for quiet in [each for each, one in self._sources.items() if one.is_quiet(at, self._window)]:
                del self._sources[quiet]
            name = _OTHERS if self._is_full() else name
        return self._sources.setdefault(name, _Source(deque(maxlen=self._most + 1)))

    def _is_full(self) -> bool:
        return len(self._sources) >= _SOURCES


def source_of(content: bytes) -> str:
    """Who handed a mail in, as the last server before us wrote it (RFC 5321 §4.4); else whom it says it is from.

    Empty when it names nobody; that is a source like any other.
    """
    try:
        found = list(raw_fields(read_entity(content).head))
    except NotOpened:
        return ""
    for wanted in ("return-path", "from"):
        raw = next((raw for name, raw in found if name == wanted), None)
        if raw is not None:
            return ", ".join(addresses(unfolded(raw)))
    return ""
