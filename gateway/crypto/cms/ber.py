"""BER, reading side: indefinite lengths and strings in pieces made definite and whole, for asn1crypto cannot read them.

Streaming senders write so (``openssl -stream``, BouncyCastle, KIM clients). Whatever needs no change stays byte for
byte: signatures and associated data cover those bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.crypto.cms.der import SEQUENCE, header, tlv

_DEPTH = 40
"""CMS within its certificates nests some twenty deep."""
_MOST = 500_000
"""Elements of one message: each costs some hundred octets to remember; a list of revocations has a few each."""
_CONSTRUCTED, _LONG_TAG = 0x20, 0x1F
_OCTETS, _OCTETS_IN_PIECES = 0x04, 0x24
_END = b"\0\0"
_ENCRYPTED_CONTENT = b"\x06\x30\xa0"
"""OID, AlgorithmIdentifier, [0]: EncryptedContentInfo, whose [0] is the string itself (IMPLICIT), here in pieces."""
_IMPLICIT = 0x80


def definite(content: bytes) -> bytes:
    """The first element of ``content`` with definite lengths; ValueError when it is no BER, or far too much of it."""
    rewritten, end = _element(content, 0, len(content), _Walk())
    return content[:end] if rewritten is None else rewritten


@dataclass(frozen=True, slots=True)
class _Walk:
    """How deep we are, and how many elements may still come: the same for all of one message."""

    depth: int = 0
    left: Iterator[int] = field(default_factory=lambda: iter(range(_MOST)))

    def step(self) -> _Walk:
        """The walk one element further and deeper; ValueError at either end."""
        if self.depth > _DEPTH or next(self.left, None) is None:
            raise ValueError("nested too deep, or too many elements")
        return _Walk(self.depth + 1, self.left)


def _element(content: bytes, at: int, limit: int, walk: _Walk) -> tuple[bytes | None, int]:
    """The element at ``at`` written anew, or ``None`` when it may stay as it is; and where the next one starts."""
    deeper = walk.step()
    tag_end = _tag_end(content, at, limit)
    start, length = _length(content, tag_end, limit)
    if not content[at] & _CONSTRUCTED:
        if length is None:
            raise ValueError("an indefinite length must be constructed")
        return None, start + length
    children = list(
        _children(content, start, limit if length is None else start + length, deeper, until_end=length is None)
    )
    if length is not None:
        end, kept = start + length, content[at] != _OCTETS_IN_PIECES and all(each[0] is None for each in children)
    else:
        end, kept = (children[-1][2] if children else start) + len(_END), False
    encrypted = content[at] == SEQUENCE and _tags(content, children) == _ENCRYPTED_CONTENT
    if kept and not encrypted:
        return None, end
    written = [_bytes(content, child) for child in children]
    if encrypted:
        written[-1] = tlv(_IMPLICIT, _joined(written[-1]))
    return _written(content[at:tag_end], written), end


def _children(
    content: bytes, at: int, limit: int, walk: _Walk, *, until_end: bool
) -> Iterator[tuple[bytes | None, int, int]]:
    """Each element inside: written anew or ``None``, and where it is."""
    while at < limit:
        if until_end and content.startswith(_END, at):
            return
        rewritten, after = _element(content, at, limit, walk)
        yield rewritten, at, after
        at = after
    if until_end:
        raise ValueError("an indefinite length without its end")


def _bytes(content: bytes, child: tuple[bytes | None, int, int]) -> bytes:
    rewritten, start, end = child
    return content[start:end] if rewritten is None else rewritten


def _tags(content: bytes, children: list[tuple[bytes | None, int, int]]) -> bytes:
    return bytes(content[start] for _, start, _ in children[:4])


def _joined(piece: bytes) -> bytes:
    """What the pieces of a string inside ``piece`` are together."""
    start, _ = _length(piece, 1, len(piece))
    return b"".join(
        _octets(_bytes(piece, each)) for each in _children(piece, start, len(piece), _Walk(), until_end=False)
    )


def _written(tag: bytes, children: list[bytes]) -> bytes:
    if tag[0] == _OCTETS_IN_PIECES:
        return tlv(_OCTETS, *map(_octets, children))
    size = sum(map(len, children))
    return b"".join((tag[:-1], header(tag[-1], size), *children))


def _octets(piece: bytes) -> bytes:
    """The content of one OCTET STRING, which is primitive by now."""
    if piece[0] != _OCTETS:
        raise ValueError("a piece of a string is no string")
    return piece[_length(piece, 1, len(piece))[0] :]


def _tag_end(content: bytes, at: int, limit: int) -> int:
    """Where the identifier octets end (X.690 §8.1.2)."""
    after = at + 1
    if content[at] & _LONG_TAG == _LONG_TAG:
        while after < limit and content[after] & 0x80:
            after += 1
        after += 1
    return after


def _length(content: bytes, at: int, limit: int) -> tuple[int, int | None]:
    """Where the content starts, and how long it is; ``None`` for the indefinite form (X.690 §8.1.3)."""
    if at >= limit:
        raise ValueError("cut off")
    first = content[at]
    if first == 0x80:
        return at + 1, None
    size = first & 0x7F if first & 0x80 else 0
    start = at + 1 + size
    length = int.from_bytes(content[at + 1 : start], "big") if size else first
    if start + length > limit:
        raise ValueError("longer than what holds it")
    return start, length
