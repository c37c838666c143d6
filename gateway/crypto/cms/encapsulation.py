"""Key encapsulation: ML-KEM-768 and -1024 with HKDF and AES key wrap (RFC 9629, RFC 9936), both ways.

A KEMRecipientInfo is an OtherRecipientInfo, which who does not know it skips: so it stands beside a classical one.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import WhoIsMeant
from gateway.crypto.cms.der import OCTETS, SEQUENCE, algorithm, integer, oid, tlv
from gateway.crypto.cms.structures import Asn1, KemRecipientInfo, check_version

KemPublicKey = mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey
KemPrivateKey = mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey

_DIGESTS: dict[str, hashes.HashAlgorithm] = {  # RFC 8619
    names.HKDF_SHA256: hashes.SHA256(),
    names.HKDF_SHA384: hashes.SHA384(),
    names.HKDF_SHA512: hashes.SHA512(),
}
_KDF, _WRAP, _KEK = algorithm(names.HKDF_SHA256), algorithm(names.AES256_WRAP), 32  # RFC 9936 §2.2


def encapsulate(content_key: bytes, key: KemPublicKey, who: WhoIsMeant) -> bytes:
    """OtherRecipientInfo with a KEMRecipientInfo in DER: a fresh secret for this recipient."""
    secret, ciphertext = key.encapsulate()
    wrapping = HKDF(hashes.SHA256(), _KEK, None, _other_info(_WRAP, _KEK, None)).derive(secret)
    kind = names.ML_KEM_768 if isinstance(key, mlkem.MLKEM768PublicKey) else names.ML_KEM_1024
    info = tlv(
        SEQUENCE,
        integer(0),
        who.transported,
        algorithm(kind),
        tlv(OCTETS, ciphertext),
        _KDF,
        integer(_KEK),
        _WRAP,
        tlv(OCTETS, aes_key_wrap(wrapping, content_key)),
    )
    return tlv(0xA4, oid(names.ORI_KEM), info)


def read_kem(other: Asn1) -> Asn1 | None:
    """The KEMRecipientInfo of an OtherRecipientInfo, or ``None`` when it is another kind."""
    if other["ori_type"].dotted != names.ORI_KEM:
        return None
    return KemRecipientInfo.load(other["ori_value"].dump())


def encapsulated_key(info: Asn1, key: KemPrivateKey) -> tuple[bytes, str]:
    """The content key and how it travelled; ValueError or InvalidUnwrap when it cannot be had.

    A wrong ciphertext gives a random secret (FIPS 203 §6.3), so that it fails where a wrong key wrap does.
    """
    kind, told = _kind(key)
    check_version(info, 0)
    if info["kem"].dump() != algorithm(kind):
        raise ValueError("another kind of key encapsulation")
    wrapping = wrapping_key(info, key.decapsulate(info["kemct"].native))
    return aes_key_unwrap(wrapping, info["encrypted_key"].native), told


def wrapping_key(info: Asn1, secret: bytes) -> bytes:
    """The key-encryption key that a KEMRecipientInfo derives from the shared secret (RFC 9629 §5)."""
    size, wrap = info["kek_length"].native, info["wrap"].dump()
    if names.WRAPS[info["wrap"]["algorithm"].dotted] != size:
        raise ValueError("kekLength is not what wrap needs")  # RFC 9629 §3
    digest = _DIGESTS[info["kdf"]["algorithm"].dotted]
    return HKDF(digest, size, None, _other_info(wrap, size, info["ukm"].native)).derive(secret)


def _kind(key: KemPrivateKey) -> tuple[str, str]:
    if isinstance(key, mlkem.MLKEM768PrivateKey):
        return names.ML_KEM_768, "ml-kem-768"
    return names.ML_KEM_1024, "ml-kem-1024"


def _other_info(wrap: bytes, size: int, user_material: bytes | None) -> bytes:
    """CMSORIforKEMOtherInfo (RFC 9629 §5); the wrap algorithm exactly as the message has it."""
    material = tlv(0xA0, tlv(OCTETS, user_material)) if user_material is not None else b""
    return tlv(SEQUENCE, wrap, integer(size), material)
