"""Header protection (RFC 9788): header fields signed and encrypted with what they stand over, both ways.

Written outside MSSanté, where relays and notifications must see a neutral subject; read in that form and in the older
``protected-headers="v1"`` of mail clients. Thunderbird 153 shows the outer subject all the same, so the true one is
also the first line of the text. For software that wants it the whole mail goes inside as message/rfc822 instead
(RFC 8551 §3.1, as KIM does): it is read as any mail within a mail.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.crypto.header_fields import is_structural, raw_fields, value_of
from gateway.crypto.mime import Entity
from gateway.crypto.wire import CRLF, fields
from gateway.errors import NoProtection
from gateway.letter import ComposedMail

_CONTENT_TYPE = re.compile(rb"Content-Type:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n", re.IGNORECASE)
_OUTER = "hp-outer"
_WHOLE_MAIL = b"Content-Type: message/rfc822\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedHeaders:
    """The fields inside, as bytes, and those that the sender left outside in their place (HP-Outer)."""

    inside: tuple[tuple[str, bytes], ...] = field(repr=False)
    outside: tuple[tuple[str, str], ...] = field(repr=False, default=())
    tells_outside: bool = False
    """Whether it says at all what was left outside; the older form does not."""


def read_protected(payload: Entity) -> ProtectedHeaders | None:
    """The header fields that travelled with a payload, when it says that it carries them."""
    is_protected = payload.parameter("hp").lower() in {"clear", "cipher"}
    if not is_protected and payload.parameter("protected-headers").lower() != "v1":
        return None
    found = list(raw_fields(payload.head))
    inside = tuple((name, raw) for name, raw in found if not is_structural(name) and name != _OUTER)
    outside = tuple(_named(value_of(raw)) for name, raw in found if name == _OUTER)
    return ProtectedHeaders(inside=inside, outside=outside, tells_outside=is_protected)


def with_protected_headers(mail: ComposedMail, outer: Sequence[tuple[str, str]]) -> ComposedMail:
    """``mail`` with its header inside as well, the true subject in place of the neutral one (RFC 9788 §5.2.1).

    ``outer`` is what the mail shows to everybody: each field is listed as HP-Outer, so that the reader can tell what a
    relay changed. A mail whose outer subject is the true one is given back as it is. NoProtection
    ``entity-without-type`` when there is no Content-Type to say so in.
    """
    if not mail.protected_subject:
        return mail
    shown = [each for each in outer if not is_structural(each[0].lower())]
    inner = _with_true_subject(mail, shown)
    listed = [("HP-Outer", f"{name}: {value}") for name, value in shown]
    found = _CONTENT_TYPE.match(mail.entity)
    if found is None:
        raise NoProtection("entity-without-type")
    typed = found[0].removesuffix(CRLF) + b';\r\n hp="cipher"\r\n'
    return replace(mail, entity=b"".join((*fields((*inner, *listed)), typed, mail.entity[found.end() :])))


def wrapped(mail: ComposedMail, outer: Sequence[tuple[str, str]]) -> ComposedMail:
    """``mail`` as the whole of a message/rfc822, its entity byte for byte under ``outer`` with the true subject.

    Whether the outer subject is neutral or not: who reads this form looks for a mail inside (RFC 8551 §3.1).
    """
    head = fields(_with_true_subject(mail, outer))
    return replace(mail, entity=b"".join((_WHOLE_MAIL, *head, mail.entity)))


def _with_true_subject(mail: ComposedMail, shown: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    true = mail.protected_subject
    return [(name, true if true and name.lower() == "subject" else value) for name, value in shown]


def _named(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip().lower(), value.strip()
