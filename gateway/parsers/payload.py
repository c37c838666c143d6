"""What HL7 messages and CDA carry inside themselves as base64: strict decoding, and whether a PDF is whole."""

from __future__ import annotations

from binascii import Error as Base64Error

import pybase64

from gateway.document import Finding
from gateway.parsers.remarks import error

_BLANKS = b" \t\r\n\v\f"


def decode_base64(encoded: bytes, place: str) -> bytes | Finding:
    """The bytes, or the finding that says why they cannot be had; blanks and line breaks do not count.

    A length that is no multiple of four is a cut, not a style: half a document is never passed on (RFC 4648 §3.2).
    """
    compact = encoded.strip()
    if b"\n" in compact or b"\r" in compact or b" " in compact:
        compact = compact.translate(None, _BLANKS)
    if len(compact) % 4:
        words = f"the base64 stops in the middle, after {len(compact)} characters; send it again whole"
        return error("base64-truncated", place, words)
    try:
        return pybase64.b64decode(compact, validate=True)
    except (Base64Error, ValueError):
        words = "the field is not base64; encode the document with the alphabet of RFC 4648 §4"
        return error("base64-invalid", place, words)


def is_pdf(content: bytes) -> bool:
    """Whether the bytes start as a PDF does (readers accept the mark within the first 1,024 bytes)."""
    return b"%PDF-" in content[:1024]


def check_pdf(content: bytes, place: str) -> tuple[Finding, ...]:
    """An error when what is called a PDF is none, or was cut before its end mark."""
    if not is_pdf(content):
        return (error("not-a-pdf", place, "the content is called a PDF but does not start as one; export it again"),)
    if b"%%EOF" not in content:
        return (error("pdf-truncated", place, "the PDF has no end mark, so it was cut; export and send it again"),)
    return ()
