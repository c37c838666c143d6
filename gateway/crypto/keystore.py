"""The gateway's own private keys on disk: one encrypted file per key, read once at start (CR-32).

A file is JSON. The certificates are in clear but bound to the ciphertext as associated data, so nobody who lacks the
password can change which certificate goes with which key. Of a key that stays in a PKCS #11 token the file holds the
place (CKA_ID) alone, bound in the same way.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pybase64
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from gateway.crypto.keys import PrivateKey, SigningIdentity, spki
from gateway.crypto.private_file import private_folder, read_private, write_private
from gateway.crypto.tokens.keys import token_key
from gateway.crypto.tokens.token import Token
from gateway.errors import KeyStoreRefused

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SUFFIX = ".key"
_BLOCK, _LANES = 8, 1  # RFC 7914 §2
_KINDS = {"smime", "openpgp", "token"}
_SIGNING = {"smime", "token"}
_OPENING = "opening"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """What a listing may show of one file: no secret."""

    name: str
    kind: str
    """``smime``, ``openpgp``, or ``token`` for an S/MIME key that stays in a PKCS #11 token."""
    certificates: tuple[x509.Certificate, ...] = ()
    retired: bool = False
    """Kept for opening only: another key took its place."""


class KeyStore:
    """A folder (0700) of encrypted key files (0600).

    Every method raises KeyStoreRefused: for a wrong password, a damaged or foreign file, a bad name, open permissions.
    """

    def __init__(self, folder: Path, password: bytes, *, cost: int = 1 << 16, token: Token | None = None) -> None:
        """``cost`` is scrypt's N for new files; a file states its own. ``token`` has the keys that are not here."""
        self._folder, self._password, self._cost, self._token = folder, password, cost, token

    def __repr__(self) -> str:
        return "KeyStore(hidden)"

    @property
    def token(self) -> Token:
        """The token that the settings name; KeyStoreRefused when they name none."""
        if self._token is None:
            raise KeyStoreRefused(
                "token: the settings name none ([crypto] token_module, token_label, token_pin_secret)"
            )
        return self._token

    def put(
        self, name: str, key: PrivateKey, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...] = ()
    ) -> None:
        """On return the key is on disk, encrypted and fsynced; a name already taken is refused."""
        if spki(key) != spki(certificate):
            raise KeyStoreRefused(f"{name}: the certificate does not belong to the private key")
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._write(name, {"kind": "smime", "certificates": _texts((certificate, *chain))}, secret)

    def put_token(self, name: str, key_id: bytes, certificates: tuple[x509.Certificate, ...]) -> None:
        """The same for the token's key of this CKA_ID; the first certificate is its own."""
        token_key(self.token, key_id, spki(certificates[0]))
        self._write(name, {"kind": "token", "certificates": _texts(certificates)}, key_id)

    def put_openpgp(self, name: str, key: bytes) -> None:
        """The same for a transferable secret key (RFC 9580 §10.2), given as binary or armor."""
        self._write(name, {"kind": "openpgp", "certificates": []}, key)

    def signing_identity(self, name: str) -> SigningIdentity:
        """The key with its certificate and chain; costs a password derivation and a key check, so call it once.

        A key that is kept for opening only is refused.
        """
        document = self._read(name, _SIGNING)
        if document.get("use") == _OPENING:
            raise KeyStoreRefused(f"{name}: kept for opening only, another key took its place")
        return self._identity(name, document)

    def opening_identities(self) -> tuple[SigningIdentity, ...]:
        """Every S/MIME key, those that no longer sign last: what was encrypted to an old key still opens."""
        documents = [(name, self._read(name)) for name in self._names()]
        ours = [(name, document) for name, document in documents if document["kind"] in _SIGNING]
        ours.sort(key=lambda each: each[1].get("use") == _OPENING)
        return tuple(self._identity(name, document) for name, document in ours)

    def openpgp_key(self, name: str) -> bytes:
        """The transferable secret key as it was put."""
        return self._decrypt(name, self._read(name, {"openpgp"}))

    def openpgp_keys(self) -> tuple[bytes, ...]:
        """Every OpenPGP key, for opening."""
        return tuple(self.openpgp_key(key.name) for key in self.list() if key.kind == "openpgp")

    def list(self) -> tuple[StoredKey, ...]:
        """All keys by name; needs no password derivation."""
        documents = ((name, self._read(name)) for name in self._names())
        return tuple(
            StoredKey(
                name=name,
                kind=document["kind"],
                certificates=_certificates(document),
                retired=document.get("use") == _OPENING,
            )
            for name, document in documents
        )

    def certify(self, name: str, certificates: tuple[x509.Certificate, ...]) -> None:
        """Give a stored key the certificate that an authority issued for it; its own is found among those given."""
        document = self._read(name, _SIGNING)
        former = _certificates(document)
        mine = [each for each in certificates if former and spki(each) == spki(former[0])]
        if not mine:
            raise KeyStoreRefused(f"{name}: no certificate in the file belongs to this key")
        ordered = (mine[0], *(each for each in certificates if each != mine[0]))
        public = _public(document) | {"certificates": _texts(ordered)}
        self._write(name, public, self._decrypt(name, document), replace=True)

    def retire(self, name: str, new: str) -> None:
        """Set a key aside under another name, which must be free: from now on it opens and no longer signs."""
        document = self._read(name)
        self._write(new, _public(document) | {"use": _OPENING}, self._decrypt(name, document))
        self._path(name).unlink()

    def rename(self, name: str, new: str) -> None:
        """Give a key another name, which must be free."""
        document = self._read(name)
        self._write(new, _public(document), self._decrypt(name, document))
        self._path(name).unlink()

    def _write(self, name: str, public: dict[str, Any], secret: bytes, *, replace: bool = False) -> None:  # Any: JSON
        path = self._path(name)
        private_folder(self._folder)
        salt, nonce = os.urandom(16), os.urandom(12)
        document = {"version": 1, "name": name, **public, "scrypt_n": self._cost, "salt": salt.hex()}
        sealed = AESGCM(self._derive(salt, self._cost)).encrypt(nonce, secret, _bound(document))
        document |= {"nonce": nonce.hex(), "key": pybase64.b64encode(sealed).decode()}
        write_private(path, json.dumps(document, indent=1).encode() + b"\n", replace=replace)

    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"[a-z0-9]*{_SUFFIX}")))

    def _identity(self, name: str, document: dict[str, Any]) -> SigningIdentity:
        certificates, secret = _certificates(document), self._decrypt(name, document)
        if document["kind"] == "token":
            key: object = token_key(self.token, secret, spki(certificates[0]))
        else:
            key = load_der_private_key(secret, None)
        if not isinstance(key, PrivateKey):
            raise KeyStoreRefused(f"{name}: not a key that signs")
        return SigningIdentity(certificate=certificates[0], private_key=key, chain=certificates[1:])

    def _read(self, name: str, kinds: set[str] = _KINDS) -> dict[str, Any]:
        content = read_private(self._path(name))
        try:
            document = json.loads(content)
            known = isinstance(document, dict) and document["version"] == 1 and document["kind"] in _KINDS
        except (ValueError, KeyError) as error:
            raise KeyStoreRefused(f"{name}: not a key file") from error
        if not known or document["kind"] not in kinds:
            raise KeyStoreRefused(f"{name}: not a key file of the kind asked for")
        return dict(document)

    def _decrypt(self, name: str, document: dict[str, Any]) -> bytes:
        try:
            cost = int(document["scrypt_n"])
            if not 1 << 12 <= cost <= 1 << 20 or document["name"] != name:
                raise KeyStoreRefused(f"{name}: not this store's key file")
            sealed = pybase64.b64decode(document["key"], validate=True)
            key = self._derive(bytes.fromhex(document["salt"]), cost)
            return AESGCM(key).decrypt(bytes.fromhex(document["nonce"]), sealed, _bound(document))
        except (InvalidTag, ValueError, KeyError, TypeError) as error:
            raise KeyStoreRefused(f"{name}: wrong password or damaged file") from error

    def _derive(self, salt: bytes, cost: int) -> bytes:
        return Scrypt(salt=salt, length=32, n=cost, r=_BLOCK, p=_LANES).derive(self._password)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise KeyStoreRefused("key name: use a-z, 0-9, dot, dash and underscore, at most 63 characters")
        return self._folder / f"{name}{_SUFFIX}"


def _bound(document: dict[str, Any]) -> bytes:
    """Associated data: every field but the nonce and the ciphertext themselves."""
    return json.dumps({key: document[key] for key in sorted(document) if key not in {"nonce", "key"}}).encode()


def _public(document: dict[str, Any]) -> dict[str, Any]:
    """What a file says of its key in clear."""
    return {field: document[field] for field in ("kind", "certificates", "use") if field in document}


def _texts(certificates: tuple[x509.Certificate, ...]) -> list[str]:
    return [pybase64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates]


def _certificates(document: dict[str, Any]) -> tuple[x509.Certificate, ...]:
    try:
        ders = [pybase64.b64decode(text, validate=True) for text in document["certificates"]]
        return tuple(x509.load_der_x509_certificate(der) for der in ders)
    except (ValueError, KeyError, TypeError) as error:
        raise KeyStoreRefused("key file: damaged certificate") from error
