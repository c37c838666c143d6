"""What a layer holds: a MIME entity, or words that somebody sealed without a header, which are body from the start.

A reader that took the first lines of such words for a header would not show them: half a letter without a warning.
OpenPGP text written into a mail without MIME is found here too (RFC 9580 §6.2, §7); it is read, never written (CR-14).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gateway.crypto.header_fields import is_structural, raw_fields
from gateway.crypto.mime import Entity, read_entity

_HEADER_LIMIT = 256 << 10
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_FIRST_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")  # a field, or the separator of a mailbox file
_OF_MAIL = {"from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "received", "return-path"}
_ARMOR = re.compile(rb"\s*(-----BEGIN PGP MESSAGE-----\r?\n.*?\n-----END PGP MESSAGE-----)\s*", re.DOTALL)

_CLEAR_SIGNED = re.compile(
    rb"\s*-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?\n(?:Hash: [0-9A-Za-z, -]+\r?\n)*\r?\n"
    rb"((?:(?:- [^\n]*|[^-\n][^\n]*)?\n)*)"  # a line that begins with a dash begins with ``- `` (§7.1)
    rb"(-----BEGIN PGP SIGNATURE-----\r?\n(?:(?!-----)[^\n]*\n)*-----END PGP SIGNATURE-----)\s*"
)
_BEGIN = (b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN PGP SIGNED MESSAGE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSigned:
    """A text in the form that its signature covers (RFC 9580 §7.2: CRLF, no blanks at ends of lines), and the armor."""

    text: bytes = field(repr=False)
    signature: bytes = field(repr=False)


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


def clear_signed(entity: Entity) -> ClearSigned | None:
    """The signed text that is the whole of a text; ``None`` where a word would stand there unsigned: beside it, among
    its header fields, or in a line that readers take in different ways.
    """
    if entity.media_type != "text/plain":
        return None
    content = entity.content()
    found = _CLEAR_SIGNED.fullmatch(content) if _BEGIN[1] in content else None
    if found is None:
        return None
    lines = [line.removeprefix(b"- ").rstrip(b"\r").rstrip(b" \t") for line in found[1].split(b"\n")[:-1]]
    return None if any(b"\r" in line for line in lines) else ClearSigned(text=b"\r\n".join(lines), signature=found[2])


def begins_inline(content: bytes) -> bool:
    """Whether OpenPGP text stands somewhere in it."""
    return any(begin in content for begin in _BEGIN)


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
