"""RecipientInfo, reading side: each one that names a key of ours, and the content key out of it.

Whatever an attacker put there, the failure looks the same from outside (CR-10, CR-34).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa, x25519

from gateway.crypto.cms.agreement import agreed
from gateway.crypto.cms.certificate_ids import KnownCertificate
from gateway.crypto.cms.encapsulation import encapsulated_key, read_kem
from gateway.crypto.cms.structures import Asn1
from gateway.crypto.cms.transport import transported

_TRIED = 8
"""A message may name the same key of ours a thousand times; each would cost a private-key operation."""


class HeldKey(Protocol):
    """A certificate and its private key of any kind, as far as opening goes."""

    @property
    def certificate(self) -> x509.Certificate:
        """By which a message names the key."""

    @property
    def private_key(self) -> object:
        """RSA, elliptic curve, X25519 or ML-KEM; any other kind opens nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentKey:
    """A content key (perhaps a random one) and how it travelled."""

    key: bytes
    scheme: str

    def __repr__(self) -> str:
        return f"ContentKey({self.scheme})"


Taking = Callable[[], ContentKey]
"""Takes one content key out: whatever structures.BAD_BYTES or InvalidUnwrap it raises means that it cannot be had."""


def content_keys(infos: Asn1, mine: Sequence[HeldKey], size: int) -> list[Taking]:
    """A way to the content key for each RecipientInfo that names a certificate of ours; ``size`` is the cipher's."""
    ours = [(KnownCertificate(identity.certificate), identity.private_key) for identity in mine]
    found = (
        _Way(rid=rid, info=info, sealed=sealed, key=key, size=size).take
        for rid, info, sealed in _named(infos)
        for known, key in ours
        if known.is_meant(rid)
    )
    return list(islice(found, _TRIED))


def _named(infos: Asn1) -> Iterator[tuple[Asn1, Asn1, bytes]]:
    """Who is meant, in which RecipientInfo, and the key sealed for him where one holds several (RFC 5753 §3.1)."""
    for each in infos:
        info = each.chosen
        if each.name == "ktri":
            yield info["rid"], info, b""
        elif each.name == "kari":
            yield from ((one["rid"], info, one["encrypted_key"].native) for one in info["recipient_encrypted_keys"])
        elif each.name == "ori" and (kem := read_kem(info)) is not None:
            yield kem["rid"], kem, b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One RecipientInfo and the key of ours that it names."""

    rid: Asn1
    info: Asn1
    sealed: bytes
    key: object
    size: int

    def take(self) -> ContentKey:
        content_key, scheme = self._taken()
        return ContentKey(key=content_key, scheme=scheme)

    def _taken(self) -> tuple[bytes, str]:
        """The kind of our key decides; a RecipientInfo of another kind lacks the fields that are asked for."""
        match self.key:
            case rsa.RSAPrivateKey():
                return transported(self.info, self.key, self.size)
            case ec.EllipticCurvePrivateKey() | x25519.X25519PrivateKey():
                return agreed(self.info, self.sealed, self.key)
            case mlkem.MLKEM768PrivateKey() | mlkem.MLKEM1024PrivateKey():
                return encapsulated_key(self.info, self.key)
            case _:
                raise ValueError("a key that opens nothing")
