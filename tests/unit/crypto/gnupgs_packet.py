"""Messages in GnuPG's packet 20, as GnuPG 2.3 and later write them; 2.2 reads them only (draft-koch-librepgp §5.16)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from pysequoia.packet import PacketPile, Tag

_CHUNK = 6
"""2 to the power of this and six more octets are sealed at once."""


def packet(kind: int, body: bytes) -> bytes:
    """One of the new format with a length of five octets."""
    return bytes([0xC0 | kind, 0xFF]) + len(body).to_bytes(4, "big") + body


def rewritten(message: bytes, gpg: Callable[..., bytes], content: bytes) -> bytes:
    """``content`` (packets) under the session key of another message (binary, SEIPD), which ``gpg`` can open."""
    told = re.search(rb"'9:([0-9A-F]{64})'", gpg("--show-session-key", "--decrypt", content=message, status=True))
    assert told
    keys = b"".join(packet(1, each.body) for each in PacketPile.from_bytes(message) if each.tag == Tag.PKESK)
    return keys + packet(20, _ocb(bytes.fromhex(told[1].decode()), content))


def _ocb(key: bytes, content: bytes) -> bytes:
    """AES-256, OCB; each piece is bound to its number, the last tag to the length of all."""
    head, start, cipher = bytes([1, 9, 2, _CHUNK]), os.urandom(15), AESOCB3(key)
    size = 1 << _CHUNK + 6
    pieces = [content[at : at + size] for at in range(0, len(content), size)]

    def sealed(number: int, piece: bytes, after: bytes = b"") -> bytes:
        nonce = start[:7] + (int.from_bytes(start[7:], "big") ^ number).to_bytes(8, "big")
        return cipher.encrypt(nonce, piece, b"\xd4" + head + number.to_bytes(8, "big") + after)

    last = sealed(len(pieces), b"", len(content).to_bytes(8, "big"))
    return head + start + b"".join(sealed(number, piece) for number, piece in enumerate(pieces)) + last
