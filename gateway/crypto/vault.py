"""The master key: it wraps the tenants' keys, and nothing else; letters are sealed in chunks under keys of their own.

From the master key two keys are derived (RFC 5869): one wraps, one names it. Version 0.1 wrapped letter keys directly
under it and derived its pseudonyms from it; both are still understood (promises F1, F2).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
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
ANOTHER = "the master key is not the one that what is kept was sealed under: put the former file back"


def create_master_key(path: Path) -> None:
    """32 random bytes in a new file of 0600; KeyStoreRefused when there is one: overwriting would lose all letters."""
    write_private(path, os.urandom(_KEY))


@dataclass(frozen=True, slots=True, repr=False)
class Master:
    """The keys derived from one master key."""

    id: bytes
    wrapping: AESGCM
    naming: bytes
    """What version 0.1 made pseudonyms with."""

    @classmethod
    def read(cls, path: Path) -> Master:
        """The master key of a file of 0600; raises KeyStoreRefused."""
        secret = read_private(path)
        if len(secret) != _KEY:
            raise KeyStoreRefused(f"{path.name}: a master key has {_KEY} bytes, this file has {len(secret)}")
        derived = [_derive(secret, purpose) for purpose in (b"id", b"wrapping", b"pseudonyms")]
        return cls(derived[0][:_ID], AESGCM(derived[1]), derived[2])


class Vault:
    """Wraps and unwraps keys under the master key at hand.

    Every method that opens raises KeyStoreRefused when the bytes were not made by this vault, or were changed or moved.
    """

    def __init__(self, masters: tuple[Master, ...]) -> None:
        """The first of ``masters`` wraps; each still opens what it wrapped."""
        self.current = masters[0]
        self._by_id = {master.id: master for master in masters}

    def __repr__(self) -> str:
        return "Vault(hidden)"

    @classmethod
    def open(cls, path: Path, *others: Path) -> Vault:
        """The vault under the master key at ``path``; ``others`` still open what they wrapped (rotation)."""
        return cls(tuple(Master.read(each) for each in (path, *others)))

    def wrap(self, key: bytes, bound: bytes = b"") -> bytes:
        """``key`` wrapped under the current master key for the place that ``bound`` names."""
        head, nonce = _VERSION + self.current.id, os.urandom(_NONCE)
        return head + nonce + self.current.wrapping.encrypt(nonce, key, head + bound)

    def unwrap(self, wrapped: bytes, bound: bytes = b"") -> bytes:
        """The key again."""
        head, nonce, sealed = split_wrapped(_VERSION, wrapped)
        try:
            return self.master_of(wrapped).wrapping.decrypt(nonce, sealed, head + bound)
        except InvalidTag as error:
            raise KeyStoreRefused("wrapped key: changed or damaged") from error

    def master_of(self, wrapped: bytes) -> Master:
        """Which of the masters wrapped it."""
        master = self._by_id.get(split_wrapped(_VERSION, wrapped)[0][len(_VERSION) :])
        if master is None:
            raise KeyStoreRefused(ANOTHER)
        return master

    def use(self, master: Master) -> None:
        """Wrap under ``master`` from now on; the others still open."""
        self._by_id[master.id] = master
        self.current = master

    def forget(self, master: Master) -> None:
        """What was wrapped under ``master`` does not open any more."""
        self._by_id.pop(master.id, None)


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


def split_wrapped(version: bytes, wrapped: bytes) -> tuple[bytes, bytes, bytes]:
    """Version and id of the key that wrapped it, nonce, ciphertext; KeyStoreRefused for anything else."""
    head = len(version) + _ID
    if len(wrapped) != _WRAPPED or wrapped[:1] != version:
        raise KeyStoreRefused("wrapped key: not one")
    return wrapped[:head], wrapped[head : head + _NONCE], wrapped[head + _NONCE :]


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _KEY, None, b"huitaine vault 1 " + purpose).derive(secret)
