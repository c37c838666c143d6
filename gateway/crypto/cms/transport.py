"""Key transport: the content key encrypted to an RSA key, PKCS #1 v1.5 or OAEP (RFC 8017, RFC 3560), both ways.

A wrong PKCS #1 v1.5 block gives a random content key, so that only the content's own check can fail later, as it does
for every other reason (RFC 3218 §2.3.2, CR-10).
"""

from __future__ import annotations

import os

from asn1crypto import algos
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import WhoIsMeant
from gateway.crypto.cms.der import NULL, OCTETS, SEQUENCE, algorithm, integer, tlv
from gateway.crypto.cms.structures import Asn1, PlainAlgorithm, check_version

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_SHA256_NULL = algorithm(names.SHA256, NULL)
_OAEP_PARAMETERS = tlv(
    SEQUENCE, tlv(0xA0, _SHA256_NULL), tlv(0xA1, algorithm(names.MGF1, _SHA256_NULL))
)  # RFC 8017 §A.2.1
OAEP = algorithm(names.RSAES_OAEP, _OAEP_PARAMETERS)
"""RSAES-OAEP with SHA-256, as a RecipientInfo and as SMIMECapabilities name it (RFC 3560 §5)."""
_BY_PKCS1 = algorithm(names.RSA_ENCRYPTION, NULL)
_NOTHING = {b"", NULL}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - inside OAEP its weakness does not matter; openssl's default
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def transport(content_key: bytes, key: rsa.RSAPublicKey, who: WhoIsMeant, *, oaep: bool) -> bytes:
    """KeyTransRecipientInfo in DER; ``oaep`` only for one known to read it (CR-10)."""
    scheme = OAEP if oaep else _BY_PKCS1
    sealed = key.encrypt(content_key, _OAEP if oaep else padding.PKCS1v15())
    version = integer(2 if who.by_key_id else 0)  # RFC 5652 §6.2.1
    return tlv(SEQUENCE, version, who.transported, scheme, tlv(OCTETS, sealed))


def transported(info: Asn1, key: rsa.RSAPrivateKey, size: int) -> tuple[bytes, str]:
    """The content key of ``size`` octets, perhaps a random one, and how it travelled; ValueError when it cannot be."""
    check_version(info, 0 if info["rid"].name == "issuer_and_serial_number" else 2)
    scheme, sealed = PlainAlgorithm.load(info["key_encryption_algorithm"].dump()), info["encrypted_key"].native
    name, parameters = scheme["algorithm"].dotted, scheme["parameters"].dump()
    if name == names.RSAES_OAEP:
        return key.decrypt(sealed, _oaep(parameters)), "rsaes-oaep"
    if name != names.RSA_ENCRYPTION or parameters not in _NOTHING:
        raise ValueError("key transport")
    return _unpadded(key, sealed, size), "rsa"


def _unpadded(key: rsa.RSAPrivateKey, sealed: bytes, size: int) -> bytes:
    otherwise = os.urandom(size)
    try:
        content_key = key.decrypt(sealed, padding.PKCS1v15())
    except ValueError:
        return otherwise
    return content_key if len(content_key) == size else otherwise


def _oaep(encoded: bytes) -> padding.OAEP:
    """RSAES-OAEP-params with their SHA-1 defaults (RFC 8017 §A.2.1); a label is not used in CMS."""
    parameters = algos.RSAESOAEPParams.load(b"\x30\x00" if encoded in _NOTHING else encoded)
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].dotted != names.MGF1:
        raise ValueError("mask generation")
    digest = _hash(parameters["hash_algorithm"])
    return padding.OAEP(mgf=padding.MGF1(_hash(mask["parameters"])), algorithm=digest, label=None)


def _hash(identifier: Asn1) -> hashes.HashAlgorithm:
    """The digest that is named; reading it whole, asn1crypto refuses parameters other than NULL."""
    return _HASHES[identifier.native["algorithm"]]
