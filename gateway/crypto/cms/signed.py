"""SignedData, writing side: a detached signature with the attributes of CR-08; what never changes is made once."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import issuer_and_serial, key_identifier, serial_and_issuer
from gateway.crypto.cms.der import OCTETS, SEQUENCE, SET, algorithm, integer, oid, set_of, time, tlv
from gateway.crypto.cms.mechanisms import SignatureKey, mechanism_of
from gateway.crypto.cms.transport import OAEP
from gateway.crypto.tokens.keys import TokenRsaKey

_GCM = (names.AES256_GCM, names.AES128_GCM)
_CBC = (names.AES256_CBC, names.AES192_CBC, names.AES128_CBC)


class Identity(Protocol):
    """Who signs; a SigningIdentity is one."""

    @property
    def certificate(self) -> x509.Certificate:
        """The signer's own."""

    @property
    def private_key(self) -> SignatureKey:
        """The key of that certificate."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates above it, in any order; a root among them is not sent."""


class DetachedSigner:
    """Signs content with the algorithms of its key; what never changes is encoded once here."""

    def __init__(self, identity: Identity, *, by_key_id: bool = False) -> None:
        self._mechanism = mechanism_of(identity.certificate, identity.private_key)
        self._digest = getattr(hashlib, self._mechanism.digest)  # by its name, OpenSSL looks it up for each letter
        self._before_digest = _before_digest(self._digest().digest_size)
        digest, scheme = self._mechanism.digest_algorithm, self._mechanism.signature_algorithm
        who = tlv(0x80, key_identifier(identity.certificate)) if by_key_id else issuer_and_serial(identity.certificate)
        version = integer(3 if by_key_id else 1)  # RFC 5652 §5.3, §5.1
        self._before_attributes = version + who + digest
        self._after_attributes = scheme
        certificates = tlv(0xA0, *sorted(_sent_certificates(identity)))
        self._before_signers = version + tlv(SET, digest) + tlv(SEQUENCE, oid(names.DATA)) + certificates
        self._fixed_attributes = (
            _attribute(names.CONTENT_TYPE, oid(names.DATA)),
            _attribute(names.SMIME_CAPABILITIES, _capabilities(identity.private_key)),
            _attribute(names.SIGNING_CERTIFICATE_V2, _signing_certificate(identity.certificate)),
        )

    def __repr__(self) -> str:
        return "DetachedSigner(hidden)"

    @property
    def micalg(self) -> bytes:
        """The digest as multipart/signed names it."""
        return self._mechanism.micalg

    def sign(self, content: bytes, at: datetime) -> bytes:
        """ContentInfo in DER whose signature covers ``content`` byte for byte."""
        attributes = set_of(
            *self._fixed_attributes,
            _signing_time(at),
            self._before_digest + self._digest(content).digest(),
        )
        signature = tlv(OCTETS, self._mechanism.sign(attributes))
        # Signed as SET OF, sent as [0] IMPLICIT (RFC 5652 §5.4).
        signer_info = tlv(
            SEQUENCE, self._before_attributes, b"\xa0" + attributes[1:], self._after_attributes, signature
        )
        signed_data = tlv(SEQUENCE, self._before_signers, tlv(SET, signer_info))
        return tlv(SEQUENCE, oid(names.SIGNED_DATA), tlv(0xA0, signed_data))


def _sent_certificates(identity: Identity) -> list[bytes]:
    """The signer's certificate and those above it, without the root: who trusts it has it (CR-08)."""
    above = [each for each in identity.chain if each.issuer != each.subject]
    return [each.public_bytes(Encoding.DER) for each in (identity.certificate, *above)]


def _attribute(name: str, value: bytes) -> bytes:
    return tlv(SEQUENCE, oid(name), tlv(SET, value))


def _before_digest(size: int) -> bytes:
    """The attribute MessageDigest up to its value, which always has the same length."""
    return _attribute(names.MESSAGE_DIGEST, tlv(OCTETS, bytes(size)))[:-size]


@lru_cache(maxsize=1)
def _signing_time(at: datetime) -> bytes:
    """The attribute SigningTime; a busy second signs many letters."""
    return _attribute(names.SIGNING_TIME, time(at))


def _capabilities(key: SignatureKey) -> bytes:
    """SMIMECapabilities (RFC 8551 §2.5.2), best first: answers may come in any of these.

    Who knows GCM sends its key by OAEP, as we do ourselves: where OAEP does not open, neither is told.
    """
    if isinstance(key, TokenRsaKey) and not key.opens_oaep():
        return tlv(SEQUENCE, *map(algorithm, _CBC))
    transported = OAEP if isinstance(key, rsa.RSAPrivateKey) else b""
    return tlv(SEQUENCE, *map(algorithm, (*_GCM, *_CBC)), transported)


def _signing_certificate(certificate: x509.Certificate) -> bytes:
    """SigningCertificateV2 with the SHA-256 default left out, as DER asks (RFC 5035 §3)."""
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    serial, issuer = serial_and_issuer(certificate)
    issuer_serial = tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA4, issuer)), serial)
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, digest), issuer_serial)))
