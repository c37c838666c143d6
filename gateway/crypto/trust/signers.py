"""Whether whoever signed a mail counts: usage, path and revocation; what ``cms/verify.py`` asks of its ``Trust``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.crypto.certificates import UNREADABLE, read_certificate
from gateway.crypto.cms.structures import BAD_BYTES
from gateway.crypto.cms.verify import Signer
from gateway.crypto.trust.domains import judge_mailboxes
from gateway.crypto.trust.path import Verdict
from gateway.crypto.trust.policy import Evidence, Revocation, Statements, Trust
from gateway.errors import NoProtection

_PURPOSES = (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"  # RFC 5940 §2.1
_MOST = 20
_LEAST_RSA = 2048
_CODES = {
    "untrusted": "untrusted-signer",
    "expired": "certificate-expired",
    "not-yet-valid": "certificate-not-yet-valid",
    "revoked": "certificate-revoked",
    "unreadable": "malformed",
}


@dataclass(slots=True, kw_only=True)
class SignersTrust:
    """Judges the signers of one mail that came ``at`` that moment, and remembers what became of the question."""

    trust: Trust
    at: datetime
    revocation: dict[bytes, str] = field(default_factory=dict)
    """By certificate (DER): not-asked, good, revoked, unknown, unpublished."""

    def why_not(self, signer: Signer) -> str:
        """Empty, or one of certificate-expired, certificate-not-yet-valid, wrong-usage, weak-key, untrusted-signer,
        weak-signature, certificate-revoked, revocation-unknown, malformed.
        """
        try:
            certificate = x509.load_der_x509_certificate(signer.certificate)
            dates = _dates(certificate, signer.moment)
            if dates or not _signs_mail(certificate):
                return dates or "wrong-usage"
            if _is_weak(certificate):
                return "weak-key"
        except UNREADABLE:
            return "malformed"
        verdict = self._verdict(certificate, signer)
        self.revocation[signer.certificate] = verdict.revocation
        return _CODES.get(verdict.why_not, verdict.why_not)

    def vouches(self, beside: Signer) -> bool:
        """Whether a certificate that came beside a signer's leads to an anchor, whatever it is used for."""
        try:
            return not self._verdict(read_certificate(beside.certificate), beside).why_not
        except NoProtection:
            return False

    def _verdict(self, certificate: x509.Certificate, came_with: Signer) -> Verdict:
        trust = replace(self.trust, revocation=_with_stapled(self.trust.revocation, came_with.revocations))
        above = _readable(came_with.others)
        return judge_mailboxes(certificate, above, trust, valid_at=came_with.moment, known_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stapled:
    """What the mail brought of itself, believed when nothing fresher is had: its sender chose it (RFC 5940)."""

    first: Evidence
    stapled: tuple[Statements, ...]

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statements]:
        """What is asked, then what came along."""
        yield from self.first.about(certificate, issuer)
        yield from self.stapled


def _with_stapled(revocation: Revocation, choices: Sequence[bytes]) -> Revocation:
    stapled = tuple(said for choice in choices[:_MOST] if (said := _stapled(choice)) is not None)
    return replace(revocation, evidence=_Stapled(first=revocation.evidence, stapled=stapled)) if stapled else revocation


def _stapled(choice: bytes) -> Statements | None:
    """Each alone: rubbish among them must not spoil the others."""
    try:
        read = cms.RevocationInfoChoice.load(choice)
        if read.name == "crl":
            return Statements(crls=(read.chosen.dump(),))
        if read.chosen["other_rev_info_format"].dotted == _OCSP_RESPONSE:
            return Statements(ocsps=(read.chosen["other_rev_info"].dump(),))
    except BAD_BYTES:
        return None
    return None


def _readable(others: Sequence[bytes]) -> Iterator[x509.Certificate]:
    """Nothing signs what a message encloses: rubbish among it must not spoil the rest."""
    for other in others:
        with suppress(NoProtection):
            yield read_certificate(other)


def _dates(certificate: x509.Certificate, moment: datetime) -> str:
    if moment > certificate.not_valid_after_utc:
        return "certificate-expired"
    return "certificate-not-yet-valid" if moment < certificate.not_valid_before_utc else ""


def _is_weak(certificate: x509.Certificate) -> bool:
    """An RSA key so short that others may sign with it (CR-12); its authority's own are looked at with the path."""
    key = certificate.public_key()
    return isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA


def _signs_mail(certificate: x509.Certificate) -> bool:
    """RFC 8550 §4.4.2, §4.4.4: what the certificate says of its use must allow it; silence does."""
    for extension in certificate.extensions:
        match extension.value:
            case x509.KeyUsage() as usage if not (usage.digital_signature or usage.content_commitment):
                return False
            case x509.ExtendedKeyUsage() as purposes if not any(each in _PURPOSES for each in purposes):
                return False
    return True
