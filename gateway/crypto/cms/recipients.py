"""RecipientInfo, writing side: how the content key travels to one certificate (RFC 5652 §6.2, RFC 5753)."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.crypto.cms import names
from gateway.crypto.cms.der import NULL, OCTETS, SEQUENCE, algorithm, integer, oid, tlv
from gateway.crypto.cms.signed import issuer_and_serial
from gateway.errors import NoProtection

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_SHA256_NULL = algorithm(names.SHA256, NULL)
_OAEP_PARAMETERS = tlv(
    SEQUENCE, tlv(0xA0, _SHA256_NULL), tlv(0xA1, algorithm(names.MGF1, _SHA256_NULL))
)  # RFC 8017 §A.2.1
_WRAP = algorithm(names.AES256_WRAP)  # RFC 3565 §2.3.2: parameters absent


class CmsRecipient:
    """One certificate to encrypt to: RSA by key transport, elliptic curve by ephemeral-static ECDH."""

    def __init__(self, certificate: x509.Certificate) -> None:
        """NoProtection ``unsupported-key`` for any other kind of key."""
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise NoProtection("unsupported-key")
        self._key = key
        self._who = issuer_and_serial(certificate)

    @property
    def agreed(self) -> bool:
        """Whether this is a KeyAgreeRecipientInfo: it raises the version of EnvelopedData (RFC 5652 §6.1)."""
        return isinstance(self._key, ec.EllipticCurvePublicKey)

    def recipient_info(self, content_key: bytes, *, oaep: bool) -> bytes:
        """The RecipientInfo in DER; ``oaep`` only for one known to read it (CR-10)."""
        if isinstance(self._key, ec.EllipticCurvePublicKey):
            return self._key_agreement(self._key, content_key)
        if oaep:
            scheme = algorithm(names.RSAES_OAEP, _OAEP_PARAMETERS)
            sealed = self._key.encrypt(content_key, _OAEP)
        else:
            scheme = algorithm(names.RSA_ENCRYPTION, NULL)
            sealed = self._key.encrypt(content_key, padding.PKCS1v15())
        return tlv(SEQUENCE, integer(0), self._who, scheme, tlv(OCTETS, sealed))

    def _key_agreement(self, key: ec.EllipticCurvePublicKey, content_key: bytes) -> bytes:
        """dhSinglePass-stdDH-sha256kdf with AES-256 key wrap (RFC 5753 §3.1)."""
        ephemeral = ec.generate_private_key(key.curve)
        secret = ephemeral.exchange(ec.ECDH(), key)
        wrapping = X963KDF(hashes.SHA256(), 32, shared_info(_WRAP, 256)).derive(secret)
        point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        originator = tlv(0xA1, algorithm(names.EC_PUBLIC_KEY), tlv(0x03, b"\x00", point))
        sealed_key = tlv(SEQUENCE, self._who, tlv(OCTETS, aes_key_wrap(wrapping, content_key)))
        return tlv(
            0xA1,
            integer(3),
            tlv(0xA0, originator),
            tlv(SEQUENCE, oid(names.ECDH_SHA256KDF), _WRAP),
            tlv(SEQUENCE, sealed_key),
        )


def shared_info(wrap_algorithm: bytes, key_bits: int, user_material: bytes | None = None) -> bytes:
    """ECC-CMS-SharedInfo (RFC 5753 §7.2); the wrap algorithm exactly as the message has it."""
    entity = tlv(0xA0, tlv(OCTETS, user_material)) if user_material is not None else b""
    return tlv(SEQUENCE, wrap_algorithm, entity, tlv(0xA2, tlv(OCTETS, key_bits.to_bytes(4, "big"))))
