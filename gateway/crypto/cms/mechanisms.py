"""With what a key of ours signs: the digest and the two AlgorithmIdentifiers follow the key, nobody chooses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms import names
from gateway.crypto.cms.der import NULL, SEQUENCE, algorithm, integer, tlv

SignatureKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_OIDS = {"sha256": names.SHA256, "sha384": names.SHA384, "sha512": names.SHA512}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_ECDSA = {"sha256": names.ECDSA_WITH_SHA256, "sha384": names.ECDSA_WITH_SHA384, "sha512": names.ECDSA_WITH_SHA512}
_BY_STRENGTH = ((256, "sha256"), (384, "sha384"), (521, "sha512"))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Mechanism:
    """How one key signs. ``digest`` is what hashlib calls it; the signature covers DER, not a digest."""

    digest: str
    digest_algorithm: bytes
    signature_algorithm: bytes
    sign: Callable[[bytes], bytes]

    @property
    def micalg(self) -> bytes:
        """The word of multipart/signed (RFC 8551 §3.5.3.2)."""
        return self.digest.replace("sha", "sha-").encode()


def mechanism_of(certificate: x509.Certificate, key: SignatureKey) -> Mechanism:
    """The mechanism of this key, as its certificate says what it may be used for."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return _mechanism("sha512", algorithm(names.ED25519), key.sign)  # RFC 8419 §2.3: SHA-512 with attributes
        case ec.EllipticCurvePrivateKey():
            return _by_curve(key)
        case _:
            pss = certificate.public_key_algorithm_oid.dotted_string == names.RSASSA_PSS
            return _by_pss(certificate, key) if pss else _by_pkcs1(key)


def _by_pkcs1(key: rsa.RSAPrivateKey) -> Mechanism:
    scheme = algorithm(names.RSA_ENCRYPTION, NULL)  # RFC 5754 §3.2: what every client knows
    return _mechanism("sha256", scheme, lambda signed: key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))


def _by_pss(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> Mechanism:
    """RSASSA-PSS (RFC 4056): as the certificate limits its key, else with SHA-256."""
    digest, salt = _pss_limits(certificate)
    hashed, filled = _HASHES[digest], padding.PSS(padding.MGF1(_HASHES[digest]), salt)
    named = algorithm(_OIDS[digest])
    parameters = tlv(
        SEQUENCE,
        tlv(0xA0, named),
        tlv(0xA1, algorithm(names.MGF1, named)),
        tlv(0xA2, integer(salt)),
    )
    scheme = algorithm(names.RSASSA_PSS, parameters)
    return _mechanism(digest, scheme, lambda signed: key.sign(signed, filled, hashed))


def _pss_limits(certificate: x509.Certificate) -> tuple[str, int]:
    """Digest and least salt of the SubjectPublicKeyInfo (RFC 4055 §1.2); its parameters may be absent."""
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    parameters = parsed.public_key["algorithm"]["parameters"]
    if not isinstance(parameters, algos.RSASSAPSSParams):
        return "sha256", 32
    return parameters["hash_algorithm"]["algorithm"].native, parameters["salt_length"].native


def _by_curve(key: ec.EllipticCurvePrivateKey) -> Mechanism:
    """ECDSA with the digest of the curve's strength (RFC 5753 §8)."""
    digest = next(name for bits, name in _BY_STRENGTH if key.curve.key_size <= bits)
    scheme = ec.ECDSA(_HASHES[digest])
    return _mechanism(digest, algorithm(_ECDSA[digest]), lambda signed: key.sign(signed, scheme))


def _mechanism(digest: str, scheme: bytes, sign: Callable[[bytes], bytes]) -> Mechanism:
    # RFC 5754 §2: the digest's parameters are absent.
    return Mechanism(digest=digest, digest_algorithm=algorithm(_OIDS[digest]), signature_algorithm=scheme, sign=sign)
