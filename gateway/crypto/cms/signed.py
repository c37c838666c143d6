"""SignedData, writing side: a detached signature with the attributes of CR-08; what never changes is made once."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms import names
from gateway.crypto.cms.der import NULL, OCTETS, SEQUENCE, SET, algorithm, elements, integer, oid, set_of, time, tlv
from gateway.crypto.keys import SigningIdentity

_SHA256 = algorithm(names.SHA256)  # RFC 5754 §2: parameters absent
_CAPABILITIES = (names.AES256_GCM, names.AES256_CBC, names.AES128_CBC)


class DetachedSigner:
    """Signs content as SHA-256 with RSA PKCS #1 v1.5 or ECDSA; what never changes is encoded once here."""

    def __init__(self, identity: SigningIdentity) -> None:
        key = identity.private_key
        self._key = key
        mechanism = (
            algorithm(names.RSA_ENCRYPTION, NULL)
            if isinstance(key, rsa.RSAPrivateKey)
            else algorithm(names.ECDSA_WITH_SHA256)
        )
        self._mechanism = mechanism
        self._who = issuer_and_serial(identity.certificate)
        self._certificates = tlv(0xA0, *sorted(_sent_certificates(identity)))
        self._fixed_attributes = (
            _attribute(names.CONTENT_TYPE, oid(names.DATA)),
            _attribute(names.SMIME_CAPABILITIES, _capabilities()),
            _attribute(names.SIGNING_CERTIFICATE_V2, _signing_certificate(identity.certificate)),
        )

    def __repr__(self) -> str:
        return "DetachedSigner(hidden)"

    def sign(self, content: bytes, at: datetime) -> bytes:
        """ContentInfo in DER whose signature covers ``content`` byte for byte."""
        attributes = set_of(
            *self._fixed_attributes,
            _attribute(names.SIGNING_TIME, time(at)),
            _attribute(names.MESSAGE_DIGEST, tlv(OCTETS, sha256(content).digest())),
        )
        # Signed as SET OF, sent as [0] IMPLICIT (RFC 5652 §5.4).
        signer_info = tlv(
            SEQUENCE,
            integer(1),
            self._who,
            _SHA256,
            b"\xa0" + attributes[1:],
            self._mechanism,
            tlv(OCTETS, self._signature(attributes)),
        )
        return self._signed_data(signer_info)

    def _signature(self, attributes: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(attributes, ec.ECDSA(hashes.SHA256()))

    def _signed_data(self, signer_info: bytes) -> bytes:
        signed_data = tlv(
            SEQUENCE,
            integer(1),
            tlv(SET, _SHA256),
            tlv(SEQUENCE, oid(names.DATA)),
            self._certificates,
            tlv(SET, signer_info),
        )
        return tlv(SEQUENCE, oid(names.SIGNED_DATA), tlv(0xA0, signed_data))


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber (RFC 5652 §10.2.4), byte for byte as in the certificate, for clients compare it so."""
    serial, issuer = _serial_and_issuer(certificate)
    return tlv(SEQUENCE, issuer, serial)


def _serial_and_issuer(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    version, *others = elements(certificate.tbs_certificate_bytes, 4)
    serial, _, issuer = others if version[0] == 0xA0 else [version, *others][:3]  # RFC 5280 §4.1: v1 has no version
    return serial, issuer


def _sent_certificates(identity: SigningIdentity) -> list[bytes]:
    """The signer's certificate and those above it, without the root: who trusts it has it (CR-08)."""
    above = [each for each in identity.chain if each.issuer != each.subject]
    return [each.public_bytes(Encoding.DER) for each in (identity.certificate, *above)]


def _attribute(name: str, value: bytes) -> bytes:
    return tlv(SEQUENCE, oid(name), tlv(SET, value))


def _capabilities() -> bytes:
    """What we can open, best first (RFC 8551 §2.5.2): answers may come in any of these."""
    return tlv(SEQUENCE, *(algorithm(each) for each in _CAPABILITIES))


def _signing_certificate(certificate: x509.Certificate) -> bytes:
    """SigningCertificateV2 with the SHA-256 default left out, as DER asks (RFC 5035 §3)."""
    digest = sha256(certificate.public_bytes(Encoding.DER)).digest()
    serial, issuer = _serial_and_issuer(certificate)
    issuer_serial = tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA4, issuer)), serial)
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(OCTETS, digest), issuer_serial)))
