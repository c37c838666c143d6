"""TLSA records and the chain that a next hop showed: whether one vouches for the other (RFC 6698, RFC 7672), pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

DANE_TA, DANE_EE = 2, 3
"""Usages that SMTP knows; PKIX-TA and PKIX-EE are unusable (RFC 7672 §3.1.3)."""
_CERTIFICATE, _SPKI = 0, 1
_WHOLE, _SHA256, _SHA512 = 0, 1, 2
_LENGTHS = {_SHA256: 32, _SHA512: 64}
_CA = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
_LEAF = ExtensionPolicy.permit_all().require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tlsa:
    """One record: what it vouches for (usage), which part of a certificate it looks at, and how it tells it."""

    usage: int
    selector: int
    matching: int
    data: bytes = field(repr=False)

    @property
    def is_usable(self) -> bool:
        """Whether SMTP knows what it says."""
        is_known = self.usage in {DANE_TA, DANE_EE} and self.selector in {_CERTIFICATE, _SPKI}
        is_whole = self.matching == _WHOLE and bool(self.data)
        return is_known and (is_whole or _LENGTHS.get(self.matching) == len(self.data))

    def matches(self, certificate: bytes) -> bool:
        """Whether it is about this certificate (DER)."""
        part = certificate if self.selector == _CERTIFICATE else _public_key(certificate)
        match self.matching:
            case 1:
                return hashlib.sha256(part).digest() == self.data
            case 2:
                return hashlib.sha512(part).digest() == self.data
        return part == self.data


def usable(records: Iterable[Tlsa]) -> frozenset[Tlsa]:
    """The records that count; SHA-256 does not where SHA-512 says the same kind of thing (RFC 7671 §9)."""
    known = frozenset(record for record in records if record.is_usable)
    strong = {(one.usage, one.selector) for one in known if one.matching == _SHA512}
    return frozenset(one for one in known if one.matching != _SHA256 or (one.usage, one.selector) not in strong)


def vouches(records: Iterable[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: datetime) -> bool:
    """Whether any record is about the chain (DER, the server's own certificate first).

    DANE-EE(3) looks at the server's certificate alone, whatever its names and dates (RFC 7672 §3.1.1); DANE-TA(2) wants
    a valid path up to the authority it names, and one of ``names`` in the certificate (§3.1.2).
    """
    if not chain:
        return False
    try:
        return any(_vouches(record, chain, names, now) for record in records)
    except ValueError:  # a certificate that cannot be read proves nothing
        return False


def _vouches(record: Tlsa, chain: Sequence[bytes], names: Sequence[str], now: datetime) -> bool:
    if record.usage == DANE_EE:
        return record.matches(chain[0])
    return any(record.matches(each) and _leads_to(each, chain, names, now) for each in chain[1:])


def _leads_to(authority: bytes, chain: Sequence[bytes], names: Sequence[str], now: datetime) -> bool:
    leaf, *others = (x509.load_der_x509_certificate(each) for each in chain)
    trust = Store([x509.load_der_x509_certificate(authority)])
    policy = PolicyBuilder().store(trust).time(now).extension_policies(ca_policy=_CA, ee_policy=_LEAF)
    for name in names:
        try:
            policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
        except VerificationError:
            continue
        return True
    return False


def _public_key(certificate: bytes) -> bytes:
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
