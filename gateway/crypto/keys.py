"""Who signs and who opens: a certificate, the chain above it and the private key, loaded once and never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12

from gateway.errors import KeyStoreRefused

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
"""What signs; of Ed25519 it opens nothing, and few clients verify it (``huitaine keys audit`` says so)."""
OpeningKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | x25519.X25519PrivateKey
    | mlkem.MLKEM768PrivateKey
    | mlkem.MLKEM1024PrivateKey
)

_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SigningIdentity:
    """A private key with its own certificate first and the authorities above it after.

    Loading an RSA key checks it and costs 35 ms and more: keep the object, never load one per letter.
    """

    certificate: x509.Certificate
    private_key: PrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    def __repr__(self) -> str:
        return "SigningIdentity(hidden)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OpeningIdentity:
    """The same for whoever only opens: his key may be of a kind that signs nothing (X25519, ML-KEM)."""

    certificate: x509.Certificate
    private_key: OpeningKey
    chain: tuple[x509.Certificate, ...] = ()

    def __repr__(self) -> str:
        return "OpeningIdentity(hidden)"


def load_identity(p12: bytes, password: bytes | None) -> SigningIdentity:
    """The identity in a PKCS #12 file (RFC 7292); KeyStoreRefused when it, or its password, is wrong."""
    return _signing(*_of_p12(p12, password))


def load_pem_identity(pem: bytes, password: bytes | None) -> SigningIdentity:
    """The identity in a PEM file of one private key and certificates in any order; KeyStoreRefused otherwise."""
    return _signing(*_of_pem(pem, password))


def load_any_identity(content: bytes, password: bytes | None) -> SigningIdentity:
    """The identity in a PKCS #12 or PEM file, told apart by its first bytes (interface.md, ``P12_OR_PEM``)."""
    return _signing(*_of_any(content, password))


def load_opening_identity(content: bytes, password: bytes | None) -> OpeningIdentity:
    """The same with a key of any kind that opens; KeyStoreRefused otherwise."""
    key, certificates = _of_any(content, password)
    if not isinstance(key, OpeningKey):
        raise KeyStoreRefused("key: only RSA, elliptic-curve, X25519 and ML-KEM keys open S/MIME")
    own, chain = _paired(key, certificates)
    return OpeningIdentity(certificate=own, private_key=key, chain=chain)


_Read = tuple[object, tuple[x509.Certificate, ...]]


def _of_any(content: bytes, password: bytes | None) -> _Read:
    return _of_p12(content, password) if content[:1] == b"\x30" else _of_pem(content, password)


def _of_p12(p12: bytes, password: bytes | None) -> _Read:
    try:
        bundle = pkcs12.load_pkcs12(p12, password)
    except (ValueError, TypeError) as error:
        raise KeyStoreRefused("pkcs12: wrong password or damaged file") from error
    if bundle.key is None or bundle.cert is None:
        raise KeyStoreRefused("pkcs12: needs one private key and its certificate")
    others = tuple(other.certificate for other in bundle.additional_certs)
    return bundle.key, (bundle.cert.certificate, *others)


def _of_pem(pem: bytes, password: bytes | None) -> _Read:
    blocks = [(match[1], match[0]) for match in _PEM_BLOCK.finditer(pem)]
    keys = [block for label, block in blocks if label.endswith(b"PRIVATE KEY")]
    if len(keys) != 1:
        raise KeyStoreRefused(f"pem: needs exactly one private key, found {len(keys)}")
    try:
        certificates = tuple(
            x509.load_pem_x509_certificate(block) for label, block in blocks if label == b"CERTIFICATE"
        )
        key = load_pem_private_key(keys[0], password)
    except (ValueError, TypeError) as error:
        raise KeyStoreRefused("pem: wrong password or damaged file") from error
    return key, certificates


def load_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM file, or the one of a DER file; KeyStoreRefused when there is none."""
    try:
        if content[:1] == b"\x30":
            return (x509.load_der_x509_certificate(content),)
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError as error:
        raise KeyStoreRefused("certificate: no certificate in the file") from error


def _signing(key: object, certificates: tuple[x509.Certificate, ...]) -> SigningIdentity:
    if not isinstance(key, PrivateKey):
        raise KeyStoreRefused("key: only RSA, elliptic-curve and Ed25519 keys sign S/MIME")
    own, chain = _paired(key, certificates)
    return SigningIdentity(certificate=own, private_key=key, chain=chain)


def _paired(
    key: PrivateKey | OpeningKey, certificates: tuple[x509.Certificate, ...]
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    """The certificate of this very key, and the others: a file may hold them in any order."""
    mine = spki(key)
    own = next((each for each in certificates if spki(each) == mine), None)
    if own is None:
        raise KeyStoreRefused("key: no certificate in the file belongs to the private key")
    return own, tuple(each for each in certificates if each != own)


def spki(holder: x509.Certificate | PrivateKey | OpeningKey) -> bytes:
    """SubjectPublicKeyInfo in DER: two holders of the same key have the same bytes."""
    return holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
