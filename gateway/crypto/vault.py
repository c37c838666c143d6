"""What is at rest: every letter sealed under a key of its own, that key wrapped under the master key (promise F1).

Destroying a letter's wrapped key destroys the letter, in old backups too. The master key never seals content itself:
three keys are derived from it (RFC 5869), to wrap, to name itself and to make pseudonyms.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.crypto.private_file import read_private, write_private
from gateway.errors import KeyStoreRefused

_KEY, _NONCE, _TAG, _ID = 32, 12, 16, 8
_VERSION = b"\x01"
_WRAPPED = len(_VERSION) + _ID + _NONCE + _KEY + _TAG
_CHUNK = b"huitaine chunk 1\0"


def create_master_key(path: Path) -> None:
    """32 random bytes in a new file of 0600; KeyStoreRefused when there is one: overwriting would lose all letters."""
    write_private(path, os.urandom(_KEY))


@dataclass(frozen=True, slots=True, repr=False)
class _Master:
    """The keys derived from one master key."""

    id: bytes
    wrapping: AESGCM
    naming: bytes

    @classmethod
    def read(cls, path: Path) -> _Master:
        secret = read_private(path)
        if len(secret) != _KEY:
            raise KeyStoreRefused(f"{path.name}: a master key has {_KEY} bytes, this file has {len(secret)}")
        derived = [_derive(secret, purpose) for purpose in (b"id", b"wrapping", b"pseudonyms")]
        return cls(derived[0][:_ID], AESGCM(derived[1]), derived[2])


class Vault:
    """Wraps and unwraps letter keys, and names people without naming them.

    Every method that opens raises KeyStoreRefused when the bytes were not made by this vault, or were changed or moved.
    """

    def __init__(self, masters: tuple[_Master, ...]) -> None:
        self._current = masters[0]
        self._by_id = {master.id: master for master in masters}

    def __repr__(self) -> str:
        return "Vault(hidden)"

    @classmethod
    def open(cls, path: Path, *former: Path) -> Vault:
        """The vault under the master key at ``path``; ``former`` keys still open what they wrapped (rotation)."""
        return cls(tuple(_Master.read(each) for each in (path, *former)))

    def new_letter_key(self) -> tuple[bytes, bytes]:
        """A fresh key for one letter and the wrapped form to keep beside it."""
        key = os.urandom(_KEY)
        return key, self._wrap(key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The letter's key again."""
        head, nonce, sealed = _split(wrapped)
        master = self._by_id.get(head[len(_VERSION) :])
        if master is None:
            raise KeyStoreRefused(
                "the master key is not the one that what is kept was sealed under: put the former file back"
            )
        try:
            return master.wrapping.decrypt(nonce, sealed, head)
        except InvalidTag as error:
            raise KeyStoreRefused("letter key: changed or damaged") from error

    def rewrap(self, wrapped: bytes) -> bytes:
        """The same letter key under the current master key; given back as it is when that is so already."""
        return wrapped if self.is_current(wrapped) else self._wrap(self.unwrap(wrapped))

    def is_current(self, wrapped: bytes) -> bool:
        """Whether the current master key wrapped it; rotation is over when all are."""
        return _split(wrapped)[0] == _VERSION + self._current.id

    def pseudonym(self, purpose: str, text: str) -> str:
        """32 hex digits that stand for ``text`` and tell nothing about it; other purposes give unrelated ones."""
        return _pseudonym(self._current, purpose, text)

    def pseudonyms(self, purpose: str, text: str) -> tuple[str, ...]:
        """Under the current and each former master key, newest first: to find what was written before a rotation."""
        return tuple(_pseudonym(master, purpose, text) for master in self._by_id.values())

    def _wrap(self, key: bytes) -> bytes:
        head, nonce = _VERSION + self._current.id, os.urandom(_NONCE)
        return head + nonce + self._current.wrapping.encrypt(nonce, key, head)


def seal_chunk(key: bytes, letter_id: str, n: int, data: bytes) -> bytes:
    """One chunk of a letter, bound to its letter and place: moved to another row it no longer opens."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, data, _place(letter_id, n))


def open_chunk(key: bytes, letter_id: str, n: int, sealed: bytes) -> bytes:
    """The data of :func:`seal_chunk`; KeyStoreRefused when anything about it differs."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _place(letter_id, n))
    except (InvalidTag, ValueError) as error:
        raise KeyStoreRefused(f"chunk {n}: changed, moved or damaged") from error


def _place(letter_id: str, n: int) -> bytes:
    return b"%b%d\0%b" % (_CHUNK, n, letter_id.encode())


def _split(wrapped: bytes) -> tuple[bytes, bytes, bytes]:
    head = len(_VERSION) + _ID
    if len(wrapped) != _WRAPPED or wrapped[:1] != _VERSION:
        raise KeyStoreRefused("letter key: not a wrapped key")
    return wrapped[:head], wrapped[head : head + _NONCE], wrapped[head + _NONCE :]


def _pseudonym(master: _Master, purpose: str, text: str) -> str:
    return hmac.new(master.naming, purpose.encode() + b"\0" + text.encode(), sha256).hexdigest()[:32]


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _KEY, None, b"huitaine vault 1 " + purpose).derive(secret)
