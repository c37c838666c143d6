"""A transport without a socket: what is written is kept, and nothing comes but what the target feeds."""

from __future__ import annotations

import asyncio


class Wire(asyncio.Transport):
    """One side of a connection; ``extra`` is what ``get_extra_info`` knows."""

    def __init__(self, **extra: object) -> None:
        super().__init__({"peername": ("127.0.0.1", 9), **extra})
        self.written = bytearray()
        self.closed = False
        self.aborted = False
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closed:
            self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None:
        """Nothing comes by itself."""

    def resume_reading(self) -> None:
        """The same."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def can_write_eof(self) -> bool:
        return False
