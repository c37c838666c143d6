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
ALWAYS = 64 << 10
"""Blocks up to this size are taken however full the room is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One block's message; of one that is ``too_large``, or came when the room was full, only the beginning."""

    content: bytes = field(repr=False)
    too_large: bool = False
    crowded: bool = False


@dataclass(slots=True, kw_only=True)
class Room:
    """Octets of blocks in memory over all connections, unfinished ones and those being answered."""

    limit: int
    used: int = 0


class Framing:
    """Cuts a stream into frames; ``junk`` counts octets that were in none.

    The octets of a frame are in the room until :meth:`give_back`, those of an unfinished block until :meth:`end`.
    """

    def __init__(self, limit: int, room: Room | None = None) -> None:
        self._limit = limit
        self._room = room or Room(limit=1 << 62)
        self._held = 0
        self._crowded = False
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

    def give_back(self, frame: Frame) -> None:
        """The frame was answered."""
        self._room.used -= len(frame.content)

    def end(self) -> None:
        """Nothing more comes."""
        self._hold(0)

    def _hold(self, octets: int) -> None:
        self._room.used += octets - self._held
        self._held = octets

    def _enter(self) -> bool:
        at = self._buffer.find(START)
        between = self._buffer if at < 0 else self._buffer[:at]
        self.junk += len(bytes(between).translate(None, _BETWEEN))
        if at < 0:
            self._buffer.clear()
            return False
        del self._buffer[: at + 1]
        self.inside = True
        self._from_its_beginning()
        return True

    def _from_its_beginning(self) -> None:
        self._searched = self._dropped = 0
        self._head = b""
        self._crowded = False

    def _leave(self) -> Frame | None:
        end = self._buffer.find(END, max(0, self._searched - 1))
        again = self._buffer.rfind(START, self._searched, len(self._buffer) if end < 0 else end)
        if again >= 0:
            self._begin_anew(again)
            return self._leave()
        if end < 0:
            self._searched = len(self._buffer)
            self._drop_what_is_too_much()
            self._hold(len(self._buffer))
            return None
        frame = self._frame(end)
        del self._buffer[: end + len(END)]
        self.inside = False
        self._hold(len(frame.content))
        self._held = 0  # from now on the frame's
        return frame

    def _frame(self, end: int) -> Frame:
        if self._dropped + end > self._limit or self._crowded:
            head = (self._head + bytes(self._buffer[:end]))[:_KEPT_OF_TOO_LARGE]
            too_large = self._dropped + end > self._limit
            return Frame(content=head, too_large=too_large, crowded=not too_large)
        with memoryview(self._buffer) as octets:  # a slice of a bytearray would be a second copy
            return Frame(content=bytes(octets[:end]).rstrip(b"\x1c"))

    def _begin_anew(self, at: int) -> None:
        if at or self._dropped:
            self.restarts += 1
        del self._buffer[: at + 1]
        self._from_its_beginning()

    def _drop_what_is_too_much(self) -> None:
        full = self._room.used + len(self._buffer) - self._held > self._room.limit
        self._crowded = self._crowded or (full and len(self._buffer) > ALWAYS)
        if self.size < self._limit + len(END) and not self._crowded:  # the last octet may be the FS of the end
            return
        self._head = self._head or bytes(self._buffer[:_KEPT_OF_TOO_LARGE])
        surplus = len(self._buffer) - 1
        self._dropped += surplus
        del self._buffer[:surplus]
        self._searched = 1
