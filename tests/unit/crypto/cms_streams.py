"""DER written anew as streaming senders write: indefinite lengths, strings in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.crypto.cms.der import tlv

END = b"\0\0"


def elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element of DER."""
    at = 0
    while at < len(content):
        tag, length, start = content[at], content[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(content[at + 2 : start], "big")
        yield tag, content[start : start + length]
        at = start + length


def in_pieces(content: bytes, depth: int) -> bytes:
    """An OCTET STRING, within strings within strings."""
    if depth == 0 or len(content) < 3:
        return tlv(0x04, content)
    size = (len(content) + 2) // 3
    inner = b"".join(in_pieces(content[at : at + size], depth - 1) for at in range(0, len(content), size))
    return b"\x24\x80" + inner + END


def streamed(tag: int, content: bytes, *, depth: int) -> bytes:
    """The same element as a streaming sender would write it."""
    if tag & 0x20:
        return bytes((tag, 0x80)) + b"".join(streamed(*each, depth=depth) for each in elements(content)) + END
    if tag == 0x04:
        return in_pieces(content, depth)
    if tag == 0x80 and len(content) > 32:  # encryptedContent, [0] IMPLICIT
        inner, size = max(depth - 1, 0), len(content) // 2
        return b"\xa0\x80" + in_pieces(content[:size], inner) + in_pieces(content[size:], inner) + END
    return tlv(tag, content)
