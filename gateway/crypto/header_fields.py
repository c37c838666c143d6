"""Header fields as they stand in a mail: cut by hand, so that what is taken over is taken over byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.utils import getaddresses

from gateway.crypto.encoded_words import decoded

_FIELD = re.compile(rb"(?m)^([!-9;-~]+)[ \t]*:(?:[^\n]*\n?(?:[ \t][^\n]*\n?)*)")
_BAD_HEADER = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError, MessageError)
_STRUCTURAL = ("content-", "mime-version")
"""What says how a body is written, not what it says (RFC 9788 §1.8)."""


def raw_fields(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Each field's name in lower case and its bytes with folds and line end; what is no field is left out."""
    for found in _FIELD.finditer(head if head.endswith(b"\n") else head + b"\r\n"):
        yield found[1].decode("ascii").lower(), found[0]


def is_structural(name: str) -> bool:
    """Whether the field (in lower case) belongs to the body and not to the mail."""
    return name.startswith(_STRUCTURAL)


def value_of(field: bytes) -> str:
    """Unfolded and decoded (RFC 5322 §2.2.3, RFC 2047); what cannot be decoded stays as it is written."""
    return decoded(unfolded(field))


def unfolded(field: bytes) -> str:
    """The value as it is written: addresses are read from this, or an encoded name could be taken for one."""
    return b" ".join(field.partition(b":")[2].split()).decode("utf-8", "replace")


def display_names(value: str) -> tuple[str, ...]:
    """What an address field calls its mailboxes, decoded: this is what a client shows."""
    try:
        return tuple(decoded(name) for name, _ in getaddresses([value]) if name)
    except _BAD_HEADER:
        return ()


def addresses(value: str) -> tuple[str, ...]:
    """The mailboxes of an address field, without their names; none when it cannot be read."""
    try:
        return tuple(address for _, address in getaddresses([value]) if "@" in address)
    except _BAD_HEADER:
        return ()
