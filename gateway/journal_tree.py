"""The hashes of the journal: what each entry commits to, and the Merkle tree over all of them (RFC 9162 §2.1).

An entry's leaf covers a salt of its own and its words. Whoever destroys words and salt leaves a hash that tells nothing
and still proves that an entry stood there. Pure: bytes in, bytes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

SALT = 16
"""Octets of an entry's salt: what was erased cannot be guessed by trying."""
Node = Callable[[int, int], bytes]
"""``node(height, index)``: the hash of the complete subtree over leaves ``index * 2**height`` and on."""

_LEAF, _NODE, _LINK = b"\x00", b"\x01", b"huitaine journal link 2\0"
_EMPTY = sha256(b"").digest()
_encode = msgspec.json.Encoder().encode


def written(fields: Sequence[str | int | None]) -> bytes:
    """An entry as the octets that its leaf covers: one JSON array, without spaces, in UTF-8."""
    return _encode(fields)


def leaf(content: bytes) -> bytes:
    """The hash of one leaf; ``content`` is salt and words, or the chained hash of an entry of before the salts."""
    return sha256(_LEAF + content).digest()


def link(last: bytes, own: bytes) -> bytes:
    """The chained hash of the entry with leaf ``own`` behind the entry with the chained hash ``last``."""
    return sha256(_LINK + last + own).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(_NODE + left + right).digest()


def peak(hashes: Sequence[bytes]) -> bytes:
    """The hash over a power of two of neighbouring subtrees of one height."""
    row = list(hashes)
    while len(row) > 1:
        row = [parent(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


class Frontier:
    """The tree while its leaves come one by one: no more than its peaks are remembered."""

    def __init__(self, watch: int) -> None:
        """``watched`` is the last complete subtree of the height ``watch``."""
        self.size = 0
        self.watched = b""
        self._watch = watch
        self._peaks: list[bytes] = []

    def add(self, leaf_hash: bytes) -> None:
        """The next leaf."""
        own, number, height = leaf_hash, self.size, 0
        while number & 1:
            own = parent(self._peaks.pop(), own)
            number, height = number >> 1, height + 1
            if height == self._watch:
                self.watched = own
        self._peaks.append(own)
        self.size += 1

    def root(self) -> bytes:
        """The root over the leaves until now."""
        if not self._peaks:
            return _EMPTY
        own = self._peaks[-1]
        for left in self._peaks[-2::-1]:
            own = parent(left, own)
        return own


def root(size: int, node: Node) -> bytes:
    """The root of the tree with the first ``size`` leaves."""
    return _over(0, size, node) if size else _EMPTY


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 9162 §2.1.3.1); ValueError outside it."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        half = begin + _split(end - begin)
        if index < half:
            path.append(_over(half, end, node))
            end = half
        else:
            path.append(_over(begin, half, node))
            begin = half
    return path[::-1]


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with that of ``old`` (RFC 9162 §2.1.4.1)."""
    if not 0 < old <= new:
        raise ValueError(f"no proof from {old} to {new} leaves")
    path: list[bytes] = []
    begin, end = 0, new
    while old != end:
        half = begin + _split(end - begin)
        if old <= half:
            path.append(_over(half, end, node))
            end = half
        else:
            path.append(_over(begin, half, node))
            begin = half
    return ([_over(begin, end, node)] if begin else []) + path[::-1]


def _over(begin: int, end: int, node: Node) -> bytes:
    """The hash over leaves ``begin`` to ``end``; ``begin`` is where a subtree of that size begins."""
    size = end - begin
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return node(height, begin >> height)
    half = begin + _split(size)
    return parent(_over(begin, half, node), _over(half, end, node))


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
