"""Key agreement: ephemeral-static ECDH with AES key wrap, on NIST and Brainpool curves (RFC 5753) and on X25519
(RFC 8418), both ways.
"""

from __future__ import annotations

from asn1crypto import core, keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import WhoIsMeant
from gateway.crypto.cms.der import NULL, OCTETS, SEQUENCE, algorithm, integer, oid, tlv
from gateway.crypto.cms.structures import Asn1, OriginatorKey, check_version

AgreementPublicKey = ec.EllipticCurvePublicKey | x25519.X25519PublicKey
AgreementPrivateKey = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey

_WRAP = algorithm(names.AES256_WRAP)  # RFC 3565 §2.3.2: parameters absent
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - in a key derivation its weakness does not matter; openssl's default
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# RFC 5753 §7.1.4: dhSinglePass-stdDH and -cofactorDH; on our curves, whose cofactor is 1, both give the same secret.
_X963 = {
    "1.3.133.16.840.63.0.2": "sha1",
    "1.3.133.16.840.63.0.3": "sha1",
    **{f"1.3.132.1.{arc}.{last}": f"sha{bits}" for arc in (11, 14) for last, bits in enumerate((224, 256, 384, 512))},
}
_HKDF = {  # RFC 8418 §2.2
    names.ECDH_HKDF_SHA256: "sha256",
    names.ECDH_HKDF_SHA384: "sha384",
    names.ECDH_HKDF_SHA512: "sha512",
}
# One digest for each strength of curve (RFC 5753 §8), as its size in bits goes up.
_BY_STRENGTH = ((256, names.ECDH_SHA256KDF), (384, names.ECDH_SHA384KDF), (521, names.ECDH_SHA512KDF))


def agree(content_key: bytes, key: AgreementPublicKey, who: WhoIsMeant) -> bytes:
    """KeyAgreeRecipientInfo in DER: a fresh key of ours on the recipient's curve, AES-256 key wrap."""
    scheme, originator, secret = _with_x25519(key) if isinstance(key, x25519.X25519PublicKey) else _on_curve(key)
    sealed = aes_key_wrap(_wrapping_key(scheme, secret, _WRAP, None), content_key)
    sealed_key = tlv(SEQUENCE, who.agreed, tlv(OCTETS, sealed))
    return tlv(
        0xA1,
        integer(3),
        tlv(0xA0, originator),
        tlv(SEQUENCE, oid(scheme), _WRAP),
        tlv(SEQUENCE, sealed_key),
    )


def agreed(info: Asn1, sealed: bytes, key: AgreementPrivateKey) -> tuple[bytes, str]:
    """The content key and how it travelled; ValueError or InvalidUnwrap when it cannot be had."""
    scheme = info["key_encryption_algorithm"]
    name, wrap = scheme["algorithm"].dotted, scheme["parameters"].dump()
    check_version(info, 3)
    originator = OriginatorKey.load(info["originator"].chosen.untag().dump())
    _check_kind(originator["algorithm"], key)
    secret = _exchanged(key, _point(originator["public_key"]))
    wrapping = _wrapping_key(name, secret, wrap, info["ukm"].native)
    return aes_key_unwrap(wrapping, sealed), _told(name, key)


def shared_info(wrap_algorithm: bytes, key_bits: int, user_material: bytes | None = None) -> bytes:
    """ECC-CMS-SharedInfo (RFC 5753 §7.2); the wrap algorithm exactly as the message has it."""
    entity = tlv(0xA0, tlv(OCTETS, user_material)) if user_material is not None else b""
    return tlv(SEQUENCE, wrap_algorithm, entity, tlv(0xA2, tlv(OCTETS, key_bits.to_bytes(4, "big"))))


def _on_curve(key: ec.EllipticCurvePublicKey) -> tuple[str, bytes, bytes]:
    ephemeral = ec.generate_private_key(key.curve)
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    scheme = next(name for bits, name in _BY_STRENGTH if key.curve.key_size <= bits)
    return scheme, _originator(names.EC_PUBLIC_KEY, point), ephemeral.exchange(ec.ECDH(), key)


def _with_x25519(key: x25519.X25519PublicKey) -> tuple[str, bytes, bytes]:
    ephemeral = x25519.X25519PrivateKey.generate()
    point = ephemeral.public_key().public_bytes_raw()
    return names.ECDH_HKDF_SHA256, _originator(names.X25519, point), ephemeral.exchange(key)


def _originator(kind: str, point: bytes) -> bytes:
    return tlv(0xA1, algorithm(kind), tlv(0x03, b"\x00", point))


def _check_kind(algorithm_identifier: Asn1, key: AgreementPrivateKey) -> None:
    """ValueError unless the originator's key is of our kind; of a curve that is named, of ours (RFC 5753 §3.1.1)."""
    if isinstance(key, x25519.X25519PrivateKey):
        allowed = {algorithm(names.X25519)}
    else:
        named = oid(keys.NamedCurve.unmap(key.curve.name.lower()))
        allowed = {algorithm(names.EC_PUBLIC_KEY, parameters) for parameters in (b"", NULL, named)}
    if algorithm_identifier.dump() not in allowed:
        raise ValueError("the originator's key is of another kind")


def _point(bits: Asn1) -> bytes:
    """The octets of a BIT STRING; ValueError when it says that some bits are unused."""
    unused, *point = bits.contents
    if unused:
        raise ValueError("unused bits")
    return bytes(point)


def _exchanged(key: AgreementPrivateKey, theirs: bytes) -> bytes:
    """The shared secret; a point that is not on the curve, or that gives zero, is a ValueError."""
    if isinstance(key, x25519.X25519PrivateKey):
        return key.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
    return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(key.curve, theirs))


def _wrapping_key(scheme: str, secret: bytes, wrap: bytes, user_material: bytes | None) -> bytes:
    size = names.WRAPS[core.Sequence.load(wrap)[0].dotted]
    shared = shared_info(wrap, size * 8, user_material)
    if scheme in _HKDF:
        return HKDF(_DIGESTS[_HKDF[scheme]], size, None, shared).derive(secret)
    return X963KDF(_DIGESTS[_X963[scheme]], size, shared).derive(secret)


def _told(scheme: str, key: AgreementPrivateKey) -> str:
    curve = "x25519" if isinstance(key, x25519.X25519PrivateKey) else "ecdh"
    return f"{curve}-hkdf-{_HKDF[scheme]}" if scheme in _HKDF else f"{curve}-{_X963[scheme]}kdf"
