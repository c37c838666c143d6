"""The frame that DSN and MDN share (RFC 6522): where its parts are and which mail it is about."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from gateway.receipts.mime import Parsed, header, message_id, parts

_RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}


def status_part(message: Parsed, *kinds: str) -> Parsed | None:
    """The first part of one of these media types, wherever a relay or a signature has wrapped it."""
    return next((part for part in parts(message) if part.get_content_type() in kinds), None)


def returned_message_id(message: Parsed) -> str | None:
    """Message-ID of the mail or the headers that came back with the report."""
    for part in parts(message):
        if part.get_content_type() in _RETURNED:
            for block in blocks(part):
                if found := message_id(header(block, "Message-ID")):
                    return found
    return None


def has_whole_mail(message: Parsed) -> bool:
    """Whether the mail itself came back, not its headers alone."""
    return any(part.get_content_type() in {"message/rfc822", "message/global"} for part in parts(message))


def returned(message: Parsed) -> Parsed | None:
    """The headers of the mail that came back, when any did."""
    for part in parts(message):
        if part.get_content_type() in _RETURNED:
            return next((block for block in blocks(part) if block.keys()), None)
    return None


def blocks(part: Parsed) -> Iterator[Parsed]:
    """The header blocks inside a ``message/*`` or header part; the part's own headers last.

    ``email`` gives a list of messages, one message with the rest as its text, or text, depending on the subtype. The
    part's own headers count because an official MDN example forgets the empty line before its fields.
    """
    payload = part.get_payload()
    if isinstance(payload, list):
        for block in payload:
            if isinstance(block, Message):
                yield block
                yield from _of_text(block.get_payload())
    else:
        yield from _of_text(payload)
    yield part


def _of_text(payload: object) -> Iterator[Parsed]:
    if not isinstance(payload, str):
        return
    for text in payload.replace("\r\n", "\n").lstrip("\n").split("\n\n", 100)[:100]:
        block: Parsed = Message()
        name = ""
        for line in text.split("\n")[:500]:
            if line[:1] in {" ", "\t"} and name:
                block.replace_header(name, f"{block[name]} {line.strip()}")
                continue
            name, colon, value = line.partition(":")
            if not colon or not name or " " in name.strip():
                name = ""
                continue
            if name in block:
                name = ""
                continue
            block[name] = value.strip()
        if block.keys():
            yield block
