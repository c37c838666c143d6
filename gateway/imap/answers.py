"""Lines of an IMAP server to what we asked for, pure; an answer that does not have it is ``BadAnswer``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


class BadAnswer(ValueError):
    """The server did not say what the command promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One mail as a list shows it."""

    uid: int
    size: int
    flags: frozenset[str] = frozenset()


_UIDVALIDITY = re.compile(rb"\[UIDVALIDITY ([1-9][0-9]{0,9})\]", re.IGNORECASE)
_UID = re.compile(rb"[( ]UID ([1-9][0-9]{0,9})[) ]", re.IGNORECASE)
_SIZE = re.compile(rb"[( ]RFC822\.SIZE ([0-9]{1,12})[) ]", re.IGNORECASE)
_FLAGS = re.compile(rb"[( ]FLAGS \(([^()]*)\)", re.IGNORECASE)
_BODY = re.compile(rb"BODY\[(?:HEADER)?\](?:<0>)? (?:\{[0-9]+\}|(\"\"|NIL))", re.IGNORECASE)

Lines = Sequence[bytes | bytearray]


def uidvalidity(lines: Lines) -> int:
    """From the answer to SELECT."""
    for line in lines:
        if found := _UIDVALIDITY.search(line):
            return int(found[1])
    raise BadAnswer("SELECT without UIDVALIDITY")


def found_uids(lines: Lines) -> list[int]:
    """From the answer to UID SEARCH, in order, each once; the closing status line holds none."""
    numbers: set[int] = set()
    for line in lines[:-1]:
        words = bytes(line).split()
        if not all(word.isdigit() and len(word) <= 10 for word in words):
            raise BadAnswer("SEARCH with something that is no number")
        numbers.update(int(word) for word in words)
    return sorted(numbers)


def entries(lines: Lines) -> list[Entry]:
    """From the answer to UID FETCH (UID FLAGS RFC822.SIZE); lines about anything else are passed over."""
    found = []
    for line in lines:
        uid, size, flags = _UID.search(line), _SIZE.search(line), _FLAGS.search(line)
        if uid and size:
            words = flags[1].decode("ascii", "replace").lower().split() if flags else []
            found.append(Entry(uid=int(uid[1]), size=int(size[1]), flags=frozenset(words)))
    return found


def content(lines: Lines, uid: int) -> bytes | None:
    """From the answer to UID FETCH (UID BODY.PEEK[]) of one mail, or of its header; ``None`` when it is gone."""
    for at, line in enumerate(lines):
        stated = _UID.search(bytes(line) + b" ")
        if isinstance(line, bytearray) or not stated or int(stated[1]) != uid:
            continue
        body = _BODY.search(line)
        if body and body[1] is not None:
            return b""
        if body and at + 1 < len(lines) and isinstance(lines[at + 1], bytearray):
            return bytes(lines[at + 1])
    if any(b"FETCH" in line and isinstance(line, bytes) and b"BODY[" in line for line in lines[:-1]):
        raise BadAnswer("FETCH of another mail")
    return None
