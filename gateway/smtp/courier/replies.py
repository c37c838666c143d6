"""Bytes of an SMTP server to replies, pure; anything that is not SMTP, or has no end, is an error (RFC 5321 §4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_LINE = 4096
"""RFC 5321 §4.5.3.1.5 says 512; real servers go beyond it, honest ones never far."""
MOST_LINES = 100
SHOWN = 512

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_STATUS = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s|$)")


class NotSmtp(ValueError):
    """What came is not a reply; the connection is of no further use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole reply. Its text is the other side's: it never goes to anybody but the journal."""

    code: int
    lines: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def kind(self) -> int:
        """First digit of the code."""
        return self.code // 100

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463) when it agrees with the code, else the bare class."""
        found = _STATUS.match(self.lines[0]) if self.lines else None
        stated = found[1].decode() if found else ""
        return stated if stated.startswith(str(self.kind)) else f"{self.kind}.0.0"

    @property
    def shown(self) -> str:
        """Code and text for the journal: printable ASCII, everything else escaped, at most 512 characters."""
        return escaped(b"%d " % self.code + b" / ".join(self.lines))


def escaped(text: bytes) -> str:
    """Printable ASCII as it is, any other byte in hexadecimal, cut at 512: no terminal escape survives."""
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in text[:SHOWN])[:SHOWN]


class ReplyReader:
    """Collects bytes until replies are whole. Holds at most ``MOST_LINES`` lines and one unfinished line."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = 0

    @property
    def is_empty(self) -> bool:
        """Whether every byte that came was part of a reply already taken."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that ``data`` completes, one by one; raises ``NotSmtp`` after the last good one."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            reply = self._line(line.removesuffix(b"\r"))
            if reply is not None:
                yield reply
        if len(self._rest) > LONGEST_LINE:
            raise NotSmtp("line without end")

    def _line(self, line: bytes) -> Reply | None:
        found = _LINE.fullmatch(line)
        if found is None or len(line) > LONGEST_LINE:
            raise NotSmtp(f"not a reply line: {escaped(line[:80])}")
        code = int(found[1])
        if self._lines and code != self._code:
            raise NotSmtp("a reply whose lines have different codes")
        if len(self._lines) >= MOST_LINES:
            raise NotSmtp("a reply without end")
        self._code = code
        self._lines.append(found[3] or b"")
        if found[2] == b"-":
            return None
        whole = Reply(code=code, lines=tuple(self._lines))
        self._lines = []
        return whole
