"""RecipientInfo, reading side: find the one for a key of ours and take the content key out of it.

Whatever an attacker put there, the failure looks the same from outside (CR-10, CR-34): a wrong RSA PKCS #1 v1.5 block
gives a random content key, so that only the content's own check can fail later (RFC 3218 §2.3.2).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asn1crypto import algos, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms import names
from gateway.crypto.cms.recipients import shared_info
from gateway.crypto.cms.structures import Asn1, OriginatorKey
from gateway.crypto.keys import SigningIdentity
from gateway.errors import NotOpened

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - inside OAEP and the key derivation its weakness does not matter; openssl's default
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# RFC 5753 §7.1.4: dhSinglePass-stdDH and -cofactorDH; on our curves, whose cofactor is 1, both give the same secret.
_AGREEMENTS = {
    "1.3.133.16.840.63.0.2": "sha1",
    "1.3.133.16.840.63.0.3": "sha1",
    **{f"1.3.132.1.{arc}.{last}": f"sha{bits}" for arc in (11, 14) for last, bits in enumerate((224, 256, 384, 512))},
}
_WRAPS = {
    "2.16.840.1.101.3.4.1.5": 16,
    "2.16.840.1.101.3.4.1.25": 24,
    names.AES256_WRAP: 32,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentKey:
    """A content key (perhaps a random one) and how it travelled."""

    key: bytes
    scheme: str

    def __repr__(self) -> str:
        return f"ContentKey({self.scheme})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """One of our identities, with the ways in which a RecipientInfo may name it."""

    identity: SigningIdentity
    issuer: Asn1
    serial: int
    key_id: bytes

    @classmethod
    def of(cls, identity: SigningIdentity) -> _Known:
        certificate = asn1_x509.Certificate.load(identity.certificate.public_bytes(Encoding.DER))
        return cls(
            identity=identity,
            issuer=certificate.issuer.hashable,
            serial=certificate.serial_number,
            key_id=_subject_key_identifier(identity.certificate),
        )

    def is_meant(self, identifier: Asn1) -> bool:
        """Whether issuer and serial, or the subject key identifier, are this certificate's (CR-08)."""
        chosen = identifier.chosen
        if identifier.name == "issuer_and_serial_number":
            return chosen["serial_number"].native == self.serial and bool(chosen["issuer"].hashable == self.issuer)
        if identifier.name == "r_key_id":  # asn1crypto cannot reach this structure's fields by name
            chosen = core.Sequence.load(chosen.untag().dump())[0]
        return bool(chosen.native == self.key_id)


def content_keys(infos: Asn1, mine: Sequence[SigningIdentity], size: int) -> Iterator[ContentKey]:
    """The content key of each RecipientInfo that names a certificate of ours; ``size`` is what the cipher needs."""
    ours = [_Known.of(identity) for identity in mine]
    for info in infos:
        for known in ours:
            if info.name == "ktri" and known.is_meant(info.chosen["rid"]):
                yield _transported(info.chosen, known.identity, size)
            elif info.name == "kari":
                for each in info.chosen["recipient_encrypted_keys"]:
                    if known.is_meant(each["rid"]):
                        yield _agreed(info.chosen, each["encrypted_key"].native, known.identity)


def _subject_key_identifier(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _transported(info: Asn1, identity: SigningIdentity, size: int) -> ContentKey:
    key, sealed = identity.private_key, info["encrypted_key"].native
    if not isinstance(key, rsa.RSAPrivateKey):
        raise NotOpened("not-decrypted")
    scheme = info["key_encryption_algorithm"]
    if scheme["algorithm"].dotted == names.RSAES_OAEP:
        return ContentKey(key=key.decrypt(sealed, _oaep(scheme)), scheme="rsaes-oaep")
    if scheme["algorithm"].dotted != names.RSA_ENCRYPTION:
        raise NotOpened("not-decrypted")
    try:
        content_key = key.decrypt(sealed, padding.PKCS1v15())
    except ValueError:
        content_key = b""
    return ContentKey(key=content_key if len(content_key) == size else os.urandom(size), scheme="rsa")


def _oaep(scheme: Asn1) -> padding.OAEP:
    """RSAES-OAEP-params with their SHA-1 defaults (RFC 8017 §A.2.1); a label is not used in CMS."""
    raw = scheme["parameters"].dump()
    parameters = algos.RSAESOAEPParams.load(raw if raw not in {b"", b"\x05\x00"} else b"\x30\x00")
    digest = parameters["hash_algorithm"]["algorithm"].native
    mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    return padding.OAEP(mgf=padding.MGF1(_HASHES[mask]), algorithm=_HASHES[digest], label=None)


def _agreed(info: Asn1, sealed: bytes, identity: SigningIdentity) -> ContentKey:
    """Ephemeral-static ECDH with the X9.63 derivation and AES key wrap (RFC 5753)."""
    key, scheme = identity.private_key, info["key_encryption_algorithm"]
    digest = _AGREEMENTS.get(scheme["algorithm"].dotted)
    wrap = scheme["parameters"].dump()
    size = _WRAPS.get(core.Sequence.load(wrap)[0].dotted)
    if digest is None or size is None or not isinstance(key, ec.EllipticCurvePrivateKey):
        raise NotOpened("not-decrypted")
    originator = OriginatorKey.load(info["originator"].chosen.untag().dump())
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, bytes(originator["public_key"]))
    material = info["ukm"].native
    derivation = X963KDF(_HASHES[digest], size, shared_info(wrap, size * 8, material))
    wrapping = derivation.derive(key.exchange(ec.ECDH(), theirs))
    return ContentKey(key=aes_key_unwrap(wrapping, sealed), scheme=f"ecdh-{digest}kdf")
