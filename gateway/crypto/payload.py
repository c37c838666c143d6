"""What a layer holds: a MIME entity, or words that somebody sealed without a header, which are body from the start.

A reader that took the first lines of such words for a header would not show them: half a letter without a warning.
OpenPGP text written into a mail without MIME is found here too (RFC 9580 §6.2); it is read, never written (CR-14).
"""

from __future__ import annotations

import re

from gateway.crypto.header_fields import is_structural, raw_fields
from gateway.crypto.mime import Entity, read_entity

_HEADER_LIMIT = 256 << 10
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_FIRST_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")  # a field, or the separator of a mailbox file
_OF_MAIL = {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "received", "return-path"}
_ARMOR = re.compile(rb"\s*(-----BEGIN PGP MESSAGE-----\r?\n.*?\n-----END PGP MESSAGE-----)\s*", re.DOTALL)


def read_payload(raw: bytes) -> Entity:
    """The entity; NotOpened as :func:`read_entity`."""
    return read_entity(raw) if raw[:1] in {b"\r", b"\n"} or _has_header(raw) else _body_alone(raw)


def inline_message(entity: Entity) -> bytes | None:
    """The armored message that is the whole of a text; ``None`` for any other entity, and where words stand beside it:
    shown together, nobody could tell which of them were sealed (CR-23).
    """
    if entity.media_type != "text/plain":
        return None
    content = entity.content()
    found = _ARMOR.fullmatch(content) if begins_inline(content) else None
    return found[1] if found else None


def begins_inline(content: bytes) -> bool:
    """Whether OpenPGP text stands somewhere in it."""
    return b"-----BEGIN PGP MESSAGE-----" in content


def inline_text(content: bytes) -> Entity:
    """What such a message held: words, whatever they look like."""
    return _body_alone(content)


def _has_header(raw: bytes) -> bool:
    """Whether it begins with fields that a mail, or a part of one, is known to have."""
    if not _FIRST_LINE.match(raw):
        return False
    end = _EMPTY_LINE.search(raw, 0, _HEADER_LIMIT)
    head = raw[: end.start() if end else _HEADER_LIMIT]
    return any(is_structural(name) or name in _OF_MAIL for name, _ in raw_fields(head))


def _body_alone(raw: bytes) -> Entity:
    """With the empty line that says so (RFC 2046 §5.1): whoever reads it again reads the same."""
    return read_entity(b"\r\n" + raw)
