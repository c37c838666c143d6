"""The gateway's own private keys on disk: one encrypted file per key, read once at start (CR-32).

A file is JSON. The certificates are in clear but bound to the ciphertext as associated data, so nobody who lacks the
password can change which certificate goes with which key.
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
from cryptography.hazmat.primitives.asymmetric import ec, rsa
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
from gateway.errors import KeyStoreRefused

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SUFFIX = ".key"
_BLOCK, _LANES = 8, 1  # RFC 7914 §2


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """What a listing may show of one file: no secret."""

    name: str
    kind: str
    """smime or openpgp"""
    certificates: tuple[x509.Certificate, ...] = ()


class KeyStore:
    """A folder (0700) of encrypted key files (0600).

    Every method raises KeyStoreRefused: for a wrong password, a damaged or foreign file, a bad name, open permissions.
    """

    def __init__(self, folder: Path, password: bytes, *, cost: int = 1 << 16) -> None:
        """``cost`` is scrypt's N for new files; a file states its own."""
        self._folder, self._password, self._cost = folder, password, cost

    def __repr__(self) -> str:
        return "KeyStore(hidden)"

    def put(
        self, name: str, key: PrivateKey, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...] = ()
    ) -> None:
        """On return the key is on disk, encrypted and fsynced; a name already taken is refused."""
        if spki(key) != spki(certificate):
            raise KeyStoreRefused(f"{name}: the certificate does not belong to the private key")
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._write(name, {"kind": "smime", "certificates": _texts((certificate, *chain))}, secret)

    def put_openpgp(self, name: str, key: bytes) -> None:
        """The same for a transferable secret key (RFC 9580 §10.2), given as binary or armor."""
        self._write(name, {"kind": "openpgp", "certificates": []}, key)

    def signing_identity(self, name: str) -> SigningIdentity:
        """The key with its certificate and chain; costs a password derivation and a key check, so call it once."""
        document = self._read(name, "smime")
        certificates = _certificates(document)
        key = load_der_private_key(self._decrypt(name, document), None)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or not certificates:
            raise KeyStoreRefused(f"{name}: not a key that signs")
        return SigningIdentity(certificate=certificates[0], private_key=key, chain=certificates[1:])

    def openpgp_key(self, name: str) -> bytes:
        """The transferable secret key as it was put."""
        return self._decrypt(name, self._read(name, "openpgp"))

    def list(self) -> tuple[StoredKey, ...]:
        """All keys by name; needs no password derivation."""
        names = sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"[a-z0-9]*{_SUFFIX}"))
        documents = ((name, self._read(name)) for name in names)
        return tuple(
            StoredKey(name=name, kind=document["kind"], certificates=_certificates(document))
            for name, document in documents
        )

    def certify(self, name: str, certificates: tuple[x509.Certificate, ...]) -> None:
        """Give a stored key the certificate that an authority issued for it; its own is found among those given."""
        key = self.signing_identity(name).private_key
        mine = [each for each in certificates if spki(each) == spki(key)]
        if not mine:
            raise KeyStoreRefused(f"{name}: no certificate in the file belongs to this key")
        ordered = (mine[0], *(each for each in certificates if each != mine[0]))
        secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._write(name, {"kind": "smime", "certificates": _texts(ordered)}, secret, replace=True)

    def rename(self, name: str, new: str) -> None:
        """Set a key aside under another name, as rotation does; the new name must be free."""
        document = self._read(name)
        secret = self._decrypt(name, document)
        self._write(new, {"kind": document["kind"], "certificates": document["certificates"]}, secret)
        self._path(name).unlink()

    def _write(self, name: str, public: dict[str, Any], secret: bytes, *, replace: bool = False) -> None:  # Any: JSON
        path = self._path(name)
        private_folder(self._folder)
        salt, nonce = os.urandom(16), os.urandom(12)
        document = {"version": 1, "name": name, **public, "scrypt_n": self._cost, "salt": salt.hex()}
        sealed = AESGCM(self._derive(salt, self._cost)).encrypt(nonce, secret, _bound(document))
        document |= {"nonce": nonce.hex(), "key": pybase64.b64encode(sealed).decode()}
        write_private(path, json.dumps(document, indent=1).encode() + b"\n", replace=replace)

    def _read(self, name: str, kind: str | None = None) -> dict[str, Any]:
        content = read_private(self._path(name))
        try:
            document = json.loads(content)
            known = isinstance(document, dict) and document["version"] == 1 and document["kind"] in {"smime", "openpgp"}
        except (ValueError, KeyError) as error:
            raise KeyStoreRefused(f"{name}: not a key file") from error
        if not known or kind not in {None, document["kind"]}:
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


def _texts(certificates: tuple[x509.Certificate, ...]) -> list[str]:
    return [pybase64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates]


def _certificates(document: dict[str, Any]) -> tuple[x509.Certificate, ...]:
    try:
        ders = [pybase64.b64decode(text, validate=True) for text in document["certificates"]]
        return tuple(x509.load_der_x509_certificate(der) for der in ders)
    except (ValueError, KeyError, TypeError) as error:
        raise KeyStoreRefused("key file: damaged certificate") from error
