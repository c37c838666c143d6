"""The one wrapper around Python's ``email`` for mails of strangers: bounded first, ``compat32``, and it never raises.

``policy.default`` raises undocumented errors on foreign headers and deep nesting ends in ``RecursionError`` (traps.md,
row 11), so what is unreasonable is not parsed at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import TypeAlias

LARGEST = 64 * 1024 * 1024
MOST_PARTS = 500
DEEPEST = 20

Parsed: TypeAlias = "Message[str, str]"

_ADDRESS = re.compile(r"<?([^\s<>;,\"()]+@[^\s<>;,\"()]+?)>?$")
_IN_ANGLES = re.compile(r"<([^<>\s]+@[^<>\s]+)>")


def parse(content: bytes) -> Parsed | None:
    """The mail as a tree, or ``None`` when it is too large, too deep or beyond what ``email`` survives."""
    lowered = content[:LARGEST].lower()
    if len(content) > LARGEST or lowered.count(b"content-type") > MOST_PARTS or lowered.count(b"\n--") > 4 * MOST_PARTS:
        return None
    if lowered.count(b"multipart/") > DEEPEST or lowered.count(b"message/") > DEEPEST:
        return None
    try:
        return message_from_bytes(content, policy=policy.compat32)
    except Exception:  # noqa: BLE001 - email's undocumented errors, see above
        return None


def parts(message: Parsed, deepest: int = 4) -> Iterator[Parsed]:
    """The message and the parts of its multiparts, outermost first; never what is inside an attached mail."""
    yield message
    if deepest and message.get_content_maintype() == "multipart" and message.is_multipart():
        for child in message.get_payload():
            if isinstance(child, Message):
                yield from parts(child, deepest - 1)


def header(message: Parsed, name: str) -> str:
    """A header as text, encoded words decoded when they can be, control characters and line ends as spaces."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    raw = str(raw).encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # 8-bit headers are UTF-8 or lost
    try:
        pieces = decode_header(raw)
        text = "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "utf-8", "replace")
            for piece, charset in pieces
        )
    except Exception:  # noqa: BLE001 - LookupError, binascii.Error, HeaderParseError and friends: the raw text will do
        text = raw
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def fields(block: Parsed) -> Mapping[str, str]:
    """A block's fields by lower-case name, unfolded; the first of each name counts."""
    found: dict[str, str] = {}
    for name in block:
        found.setdefault(name.strip().lower(), header(block, name))
    return found


def address(text: str) -> str | None:
    """The address in ``rfc822; Name <a@b>`` or ``a@b``; ``None`` for other address types."""
    kind, separator, rest = text.partition(";")
    if separator and kind.strip().lower() not in {"rfc822", "utf-8"}:
        return None
    value = (rest if separator else text).strip()
    found = _IN_ANGLES.search(value) or _ADDRESS.search(value)
    return found[1] if found else None


def message_id(text: str) -> str | None:
    """``<id>`` with stray spaces taken out (an official example has one before the bracket); ``None`` when empty."""
    found = re.search(r"<([^<>]*)>", text)
    inner = "".join((found[1] if found else text).split())
    return f"<{inner}>" if inner else None


def moment(text: str) -> datetime | None:
    """An RFC 5322 date as an aware UTC time; ``None`` when it is none."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
