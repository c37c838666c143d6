"""MLLP block framing, pure (HL7 v2 Transport, MLLP release 1 §2): VT, message, FS, CR, in whatever pieces they come.

Tolerated: several VT or FS, blanks and line ends between blocks. A VT within a block begins it anew: half of a message
is never taken for one. FS without its CR is content, so a block that was cut is not taken for a whole one either.
"""

from __future__ import annotations

from dataclasses import dataclass, field

START, END = b"\x0b", b"\x1c\r"
_BETWEEN = b"\r\n \t\x00\x1c"
_KEPT_OF_TOO_LARGE = 8192
"""Enough to hold the MSH that the refusal answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One block's message; of one that is ``too_large`` only the beginning."""

    content: bytes = field(repr=False)
    too_large: bool = False


class Framing:
    """Cuts a stream into frames; ``junk`` counts octets that were in none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._head = b""
        self._dropped = 0
        self.inside = False
        self.junk = 0
        self.restarts = 0

    @property
    def size(self) -> int:
        """Octets of the block under way."""
        return len(self._buffer) + self._dropped if self.inside else 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            if not self.inside and not self._enter():
                return frames
            frame = self._leave()
            if frame is None:
                return frames
            if frame.content:
                frames.append(frame)

    def _enter(self) -> bool:
        at = self._buffer.find(START)
        between = self._buffer if at < 0 else self._buffer[:at]
        self.junk += len(bytes(between).translate(None, _BETWEEN))
        if at < 0:
            self._buffer.clear()
            return False
        del self._buffer[: at + 1]
        self.inside = True
        self._searched = self._dropped = 0
        self._head = b""
        return True

    def _leave(self) -> Frame | None:
        end = self._buffer.find(END, max(0, self._searched - 1))
        again = self._buffer.rfind(START, self._searched, len(self._buffer) if end < 0 else end)
        if again >= 0:
            self._begin_anew(again)
            return self._leave()
        if end < 0:
            self._searched = len(self._buffer)
            self._drop_what_is_too_much()
            return None
        content = bytes(self._buffer[:end])
        del self._buffer[: end + len(END)]
        self.inside = False
        too_large = self._dropped + len(content) > self._limit
        whole = (self._head + content)[:_KEPT_OF_TOO_LARGE] if too_large else content.rstrip(b"\x1c")
        return Frame(content=whole, too_large=too_large)

    def _begin_anew(self, at: int) -> None:
        if at or self._dropped:
            self.restarts += 1
        del self._buffer[: at + 1]
        self._searched = self._dropped = 0
        self._head = b""

    def _drop_what_is_too_much(self) -> None:
        if self.size < self._limit + len(END):  # the last octet may be the FS of the end
            return
        self._head = self._head or bytes(self._buffer[:_KEPT_OF_TOO_LARGE])
        surplus = len(self._buffer) - 1
        self._dropped += surplus
        del self._buffer[:surplus]
        self._searched = 1
