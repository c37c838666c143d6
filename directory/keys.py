"""What a certificate or an OpenPGP key says about itself, and why it cannot serve to encrypt to a mailbox."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import TypeVar

from asn1crypto.core import ObjectIdentifier, Sequence
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pysequoia import Cert, encrypt

from directory.errors import DirectoryError
from directory.fold import domain_of, fold_domain, fold_mailbox

SMIME_CAPABILITIES = x509.ObjectIdentifier("1.2.840.113549.1.9.15")
"""RFC 4262."""
_GCM = {"2.16.840.1.101.3.4.1.46", "2.16.840.1.101.3.4.1.6"}
"""AES-256-GCM and AES-128-GCM (RFC 5084)."""
_ENCIPHER = rsa.RSAPublicKey | mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey
_AGREE = ec.EllipticCurvePublicKey | x25519.X25519PublicKey
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_SMTP_UTF8_MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Whom a certificate or an OpenPGP key names, folded: its mailboxes, else the domains of an organisation."""

    addresses: frozenset[str] = field(repr=False, default=frozenset())
    domains: frozenset[str] = field(repr=False, default=frozenset())

    def include(self, mailbox: str, organisations: Collection[str] = ()) -> bool:
        """Whether the mailbox is among them, or in a domain among them that is one of ``organisations``."""
        domain = domain_of(mailbox)
        return mailbox in self.addresses or (domain in self.domains and domain in organisations)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What :func:`read_certificate` found."""

    der: bytes = field(repr=False)
    fingerprint: str
    public_key: str
    """SHA-256 of the SubjectPublicKeyInfo: the same key under two names shows."""
    not_before: datetime
    not_after: datetime
    names: Names
    gcm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpFacts:
    """What :func:`read_openpgp_key` found."""

    key: bytes = field(repr=False)
    fingerprint: str
    expires_at: datetime | None
    addresses: frozenset[str] = field(repr=False)


def read_certificate(content: bytes) -> CertificateFacts:
    """One X.509 certificate, DER or PEM, that may encrypt mail.

    Raises :class:`DirectoryError`: ``not-a-certificate``, ``not-for-encryption`` (key usage, RFC 5280 §4.2.1.3, RFC
    8550 §4.4.2), ``not-for-mail`` (extended key usage), ``weak-key`` (RSA below 2048 bits).
    """
    certificate = _load(content)
    _may_encrypt(certificate)
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    der = certificate.public_bytes(Encoding.DER)
    return CertificateFacts(
        der=der,
        fingerprint=sha256(der).hexdigest(),
        public_key=sha256(spki).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        names=_names(certificate),
        gcm=_reads_gcm(certificate),
    )


def read_openpgp_key(content: bytes) -> OpenPgpFacts:
    """One OpenPGP certificate (transferable public key), binary or armored, with a usable encryption key.

    Raises :class:`DirectoryError`: ``not-a-key``, ``secret-key`` (a secret key must not come here), ``revoked-key``,
    ``not-for-encryption`` (expired, or no encryption subkey).
    """
    if _is_secret(content):
        raise DirectoryError("secret-key", "this file holds a secret key: ask the addressee for the public one")
    key = _load_openpgp(content)
    if key.is_revoked:
        raise DirectoryError("revoked-key", "this OpenPGP key is revoked: ask the addressee for the new one")
    try:
        encrypt(b"", recipients=[key])
    except RuntimeError as error:
        raise DirectoryError(
            "not-for-encryption", "this OpenPGP key cannot encrypt now (expired or no subkey)"
        ) from error
    return OpenPgpFacts(
        key=bytes(key),
        fingerprint=key.fingerprint.upper(),
        expires_at=key.expiration,
        addresses=_user_addresses(key),
    )


def certificate_names(content: bytes) -> Names:
    """The mailboxes, or the domains, that a certificate names, whatever else is wrong; raises ``not-a-certificate``."""
    return _names(_load(content))


def openpgp_names(content: bytes) -> Names:
    """The mailboxes that an OpenPGP key names, whatever else is wrong with it; raises ``not-a-key``."""
    return Names(addresses=_user_addresses(_load_openpgp(content)))


def _is_secret(content: bytes) -> bool:
    """Armored as private, or beginning with a secret-key packet, tag 5 in either format (RFC 9580 §4.2)."""
    tag = content[:1] and (content[0] & 0x3F if content[0] & 0x40 else (content[0] & 0x3C) >> 2)
    return b"PGP PRIVATE KEY BLOCK" in content or (tag == 5 and content[0] >= 0x80)


def _load(content: bytes) -> x509.Certificate:
    pem = b"-----BEGIN CERTIFICATE-----" in content
    try:
        return x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except ValueError as error:
        raise DirectoryError("not-a-certificate", "not an X.509 certificate (DER or PEM)") from error


def _load_openpgp(content: bytes) -> Cert:
    try:
        return Cert.from_bytes(content)
    except RuntimeError as error:  # all that pysequoia raises; its words hold a stack of its own
        raise DirectoryError("not-a-key", "not an OpenPGP public key") from error


def _may_encrypt(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        raise DirectoryError("weak-key", f"RSA key of {key.key_size} bits: at least 2048 are needed")
    if not isinstance(key, _ENCIPHER | _AGREE):
        raise DirectoryError("not-for-encryption", "the certificate's key cannot encrypt (signature key)")
    usage = _extension(certificate, x509.KeyUsage)
    if usage and not (usage.key_encipherment if isinstance(key, _ENCIPHER) else usage.key_agreement):
        raise DirectoryError("not-for-encryption", "the certificate's key usage does not allow encryption")
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    mail = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if extended and mail.isdisjoint(extended):
        raise DirectoryError("not-for-mail", "the certificate's extended key usage excludes mail protection")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None


def _addresses(certificate: x509.Certificate) -> frozenset[str]:
    """rfc822Name and SmtpUTF8Mailbox of the SAN, else the subject's emailAddress (RFC 8550 §3, RFC 8398)."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    found = set(names.get_values_for_type(x509.RFC822Name)) if names else set()
    for other in names.get_values_for_type(x509.OtherName) if names else ():
        if other.type_id == _SMTP_UTF8_MAILBOX:
            found.add(other.value[2:].decode("utf-8", "replace"))
    if not found:
        found = {str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)}
    return frozenset(fold_mailbox(address) for address in found)


def _names(certificate: x509.Certificate) -> Names:
    return Names(addresses=_addresses(certificate), domains=_domains(certificate))


def _domains(certificate: x509.Certificate) -> frozenset[str]:
    """Of a certificate that names no mailbox and says itself that it is for mail: a server's own is nobody's."""
    names, extended = (
        _extension(certificate, x509.SubjectAlternativeName),
        _extension(certificate, x509.ExtendedKeyUsage),
    )
    for_mail = extended is not None and ExtendedKeyUsageOID.EMAIL_PROTECTION in extended
    if names is None or not for_mail or _addresses(certificate):
        return frozenset()
    return frozenset(fold_domain(name) for name in names.get_values_for_type(x509.DNSName))


def _reads_gcm(certificate: x509.Certificate) -> bool:
    try:
        value = certificate.extensions.get_extension_for_oid(SMIME_CAPABILITIES).value
        capabilities = Sequence.load(value.public_bytes())
        return any(_capability(capabilities, place) in _GCM for place in range(len(capabilities)))
    except (x509.ExtensionNotFound, ValueError, TypeError, KeyError):
        return False


def _capability(capabilities: Sequence, place: int) -> str:
    identifier = capabilities[place][0]
    return str(identifier.dotted) if isinstance(identifier, ObjectIdentifier) else ""


def _user_addresses(key: Cert) -> frozenset[str]:
    return frozenset(fold_mailbox(_address_in(str(user))) for user in key.user_ids)


def _address_in(user_id: str) -> str:
    return user_id[user_id.rfind("<") + 1 : user_id.rfind(">")] if "<" in user_id else user_id
