"""What a mail that is a receipt holds besides: words or files that a person may have written, pure."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from gateway.receipts.hl7_attached import looks_like_hl7
from gateway.receipts.mime import Parsed

_DEEPEST = 4
_NOBODYS = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})


def has_more(message: Parsed) -> bool:
    """Whether a part outside any ``multipart/report`` (RFC 6522) holds something that is no answer in HL7.

    The words inside a report are its program's, and so is what came back with it; what cannot be read may be
    a person's.
    """
    try:
        return any(not _is_of_a_program(part) for part in _outside_reports(message, _DEEPEST))
    except Exception:  # noqa: BLE001 - email's accessors raise undocumented errors too (traps.md, row 11)
        return True


def _outside_reports(message: Parsed, deepest: int) -> Iterator[Parsed]:
    if message.get_content_type() == "multipart/report":
        return
    children = message.get_payload() if message.get_content_maintype() == "multipart" else None
    if not isinstance(children, list) or not deepest:
        yield message
        return
    for child in children:
        if isinstance(child, Message):
            yield from _outside_reports(child, deepest - 1)


def _is_of_a_program(part: Parsed) -> bool:
    if part.get_content_maintype() == "message" or part.get_content_type() in _NOBODYS:
        return True
    content = part.get_payload(decode=True)
    return not isinstance(content, bytes) or not content.strip() or looks_like_hl7(content)
