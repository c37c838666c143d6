"""Work that nobody waits for: one thread does it in order, and what there is no room for is left undone.

Its thread keeps neither the event loop nor the end of the process waiting, as those of an executor would.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock, Thread

import structlog


class Backlog:
    """Contents for one piece of work, within bounds; threads may share it."""

    def __init__(self, work: Callable[[bytes], None], *, most: int, octets: int) -> None:
        """At most ``most`` contents wait, and as many as have ``octets`` together; one alone may have more."""
        self._work, self._most, self._octets = work, most, octets
        self._lock = Lock()
        self._waiting: deque[bytes] = deque()
        self._has_thread = False
        self._ended = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is worked on."""
        with self._lock:
            return not self._has_thread

    def offer(self, content: bytes) -> bool:
        """Returns at once; whether ``content`` has its turn some time."""
        with self._lock:
            if self._ended or not self._has_room(content):
                return False
            self._waiting.append(content)
            begins, self._has_thread = not self._has_thread, True
        if begins:
            Thread(target=self._work_off, name="backlog", daemon=True).start()
        return True

    def end(self) -> int:
        """Nothing is begun any more; gives how many contents are left undone. What is under way goes on by itself."""
        with self._lock:
            left, self._ended = len(self._waiting), True
            self._waiting.clear()
        return left

    def _has_room(self, content: bytes) -> bool:
        if not self._waiting:
            return True
        return len(self._waiting) < self._most and sum(map(len, self._waiting)) + len(content) <= self._octets

    def _next(self) -> bytes | None:
        with self._lock:
            self._has_thread = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _work_off(self) -> None:
        while (content := self._next()) is not None:
            try:
                self._work(content)
            except BaseException as error:  # noqa: BLE001 (atop a thread; a panic of pysequoia's is no Exception)
                structlog.get_logger().error("backlog-failed", error=type(error).__name__)
