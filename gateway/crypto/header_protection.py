"""Header protection (RFC 9788): header fields signed and encrypted with what they stand over, both ways.

Written outside MSSanté, where relays and notifications must see a neutral subject; read in that form and in the older
``protected-headers="v1"`` of mail clients. Thunderbird 153 shows the outer subject all the same, so the true one is
also the first line of the text.
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
    inner = [(name, mail.protected_subject if name.lower() == "subject" else value) for name, value in shown]
    listed = [("HP-Outer", f"{name}: {value}") for name, value in shown]
    found = _CONTENT_TYPE.match(mail.entity)
    if found is None:
        raise NoProtection("entity-without-type")
    typed = found[0].removesuffix(CRLF) + b';\r\n hp="cipher"\r\n'
    return replace(mail, entity=b"".join((*fields((*inner, *listed)), typed, mail.entity[found.end() :])))


def _named(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip().lower(), value.strip()
