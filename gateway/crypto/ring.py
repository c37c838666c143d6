"""Three layers of keys: the master wraps each tenant's key, a tenant's key wraps its letters', a letter's seals it.

Destroying a letter's wrapped key destroys the letter; destroying a tenant's key destroys every copy of what was wrapped
under it, those in old backups too, because a backup does not carry the tenants' keys (decision 0017).
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.crypto.vault import Vault, split_wrapped
from gateway.errors import KeyStoreRefused
from gateway.wrapped_key import WrappedKey

TENANT, PSEUDONYMS, JOURNAL, CHECKPOINTS = "tenant", "pseudonyms", "journal", "checkpoints"
_KEY, _NONCE, _ID = 32, 12, 8
_VERSION = b"\x02"
_OF_0_1 = b"\x01"


class KeyRing:
    """The keys between the master and the letters. Hold the stored ones (:meth:`hold`) before anything is asked.

    Every method that opens raises KeyStoreRefused when the bytes were not made by this ring, or were changed or moved.
    """

    def __init__(self, vault: Vault, tenants: Mapping[str, str] | None = None) -> None:
        """``vault`` has the master key; ``tenants`` says whose letters a source hands in (default: the tenant "")."""
        self.vault = vault
        self._tenant_of = dict(tenants or {})
        self._names: dict[bytes, str] = {}
        self._opening: dict[bytes, AESGCM] = {}
        self._wrapping: dict[str, bytes] = {}
        self._secrets: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "KeyRing(hidden)"

    def hold(self, keys: Iterable[WrappedKey]) -> None:
        """These and no others from now on; the master key that wrapped them becomes the current one."""
        opening: dict[bytes, AESGCM] = {}
        names: dict[bytes, str] = {}
        wrapping: dict[str, bytes] = {}
        secrets: dict[str, bytes] = {}
        for each in keys:
            secret = self.vault.unwrap(each.wrapped, _place(each.id, each.purpose, each.name))
            self.vault.use(self.vault.master_of(each.wrapped))
            if each.purpose != TENANT:
                secrets[each.purpose] = secret
                continue
            key_id = bytes.fromhex(each.id)
            opening[key_id], names[key_id] = AESGCM(secret), each.name
            if each.current:
                wrapping[each.name] = key_id
        self._names, self._opening, self._wrapping, self._secrets = names, opening, wrapping, secrets

    @property
    def tenants(self) -> set[str]:
        """Whose letters come here."""
        return {"", *self._tenant_of.values()}

    def new_key(self, purpose: str, name: str = "", *, as_in_0_1: bool = False) -> WrappedKey:
        """A fresh key, wrapped; ``as_in_0_1`` gives the one of 0.1's pseudonyms, so that they are found again."""
        secret = self.vault.current.naming if as_in_0_1 else os.urandom(_KEY)
        key_id = os.urandom(_ID).hex()
        wrapped = self.vault.wrap(secret, _place(key_id, purpose, name))
        return WrappedKey(id=key_id, purpose=purpose, name=name, wrapped=wrapped)

    def under_current_master(self, key: WrappedKey) -> bytes:
        """The same key, wrapped under the current master key."""
        place = _place(key.id, key.purpose, key.name)
        return self.vault.wrap(self.vault.unwrap(key.wrapped, place), place)

    def new_letter_key(self, source: str = "") -> tuple[bytes, bytes]:
        """A fresh key for one letter that ``source`` hands in, and the wrapped form to keep beside it."""
        key = os.urandom(_KEY)
        return key, self._wrap(key, self._tenant_of.get(source, ""))

    def another_letter_key(self, wrapped: bytes) -> tuple[bytes, bytes]:
        """The same for the tenant of the letter whose key is ``wrapped``."""
        key = os.urandom(_KEY)
        return key, self._wrap(key, self._tenant(wrapped))

    def unwrap(self, wrapped: bytes) -> bytes:
        """The letter's key again."""
        if wrapped[:1] == _OF_0_1:
            return self.vault.unwrap(wrapped)
        head, nonce, sealed = split_wrapped(_VERSION, wrapped)
        key = self._opening.get(head[len(_VERSION) :])
        if key is None:
            raise KeyStoreRefused("letter key: wrapped under a tenant's key that is not here or was destroyed")
        try:
            return key.decrypt(nonce, sealed, head)
        except InvalidTag as error:
            raise KeyStoreRefused("letter key: changed or damaged") from error

    def rewrap(self, wrapped: bytes, source: str = "") -> bytes:
        """The same letter key under its tenant's current key; given back as it is when that is so already.

        A letter of version 0.1 has no tenant yet: ``source`` says which.
        """
        tenant = self._tenant(wrapped, source)
        current = _VERSION + self._wrapping.get(tenant, b"")
        return wrapped if wrapped.startswith(current) else self._wrap(self.unwrap(wrapped), tenant)

    def pseudonym(self, purpose: str, text: str) -> str:
        """32 hex digits that stand for ``text`` and tell nothing about it; other purposes give unrelated ones."""
        return self._mac(PSEUDONYMS, purpose.encode() + b"\0" + text.encode()).hex()[:32]

    def vouch(self, content: bytes) -> bytes:
        """A seal on the journal's end that only a holder of the keys can make."""
        return self._mac(JOURNAL, content)

    def sign(self, content: bytes) -> bytes:
        """An Ed25519 signature of the journal's own key (RFC 8032)."""
        return self._signing_key().sign(content)

    def public_key(self) -> bytes:
        """The 32 octets that such a signature is verified with."""
        return self._signing_key().public_key().public_bytes_raw()

    def _signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._secret(CHECKPOINTS))

    def _tenant(self, wrapped: bytes, source: str = "") -> str:
        if wrapped[:1] == _OF_0_1:
            return self._tenant_of.get(source, "")
        return self._names.get(split_wrapped(_VERSION, wrapped)[0][len(_VERSION) :], "")

    def _mac(self, purpose: str, content: bytes) -> bytes:
        return hmac.digest(self._secret(purpose), content, "sha256")

    def _secret(self, purpose: str) -> bytes:
        secret = self._secrets.get(purpose)
        if secret is None:
            raise KeyStoreRefused("no keys are held yet: the database was not opened with this vault")
        return secret

    def _wrap(self, key: bytes, tenant: str) -> bytes:
        key_id = self._wrapping.get(tenant)
        if key_id is None:
            raise KeyStoreRefused("no key for this tenant: the database was not opened with this vault")
        head, nonce = _VERSION + key_id, os.urandom(_NONCE)
        return head + nonce + self._opening[key_id].encrypt(nonce, key, head)


def _place(key_id: str, purpose: str, name: str) -> bytes:
    return f"huitaine key 2\0{key_id}\0{purpose}\0{name}".encode()
