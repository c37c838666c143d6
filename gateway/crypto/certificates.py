"""Whether an addressee's certificate may be encrypted to: valid now, for mail, for this very address (CR-12, CR-16)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.errors import NoProtection

_SMTP_UTF8_MAILBOX = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9")  # RFC 9598 §3
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1, ec.BrainpoolP256R1, ec.BrainpoolP384R1)
_STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512, hashes.SHA3_256, hashes.SHA3_384, hashes.SHA3_512)
_MSSANTE = ".mssante.fr"
_LONGEST_DOMAIN = 255
UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises on a foreign certificate: at once, or when a part of it is first looked at."""


def check_recipient(certificate: bytes, address: str, at: datetime, *, organisations: Collection[str] = ()) -> None:
    """Return when ``certificate`` (DER) may protect a letter to ``address`` at that moment.

    ``organisations`` are the domains whose one certificate stands for all their mailboxes (CR-16), as
    :func:`as_organisations` gives them. Else NoProtection, its ``detail`` one of: unreadable-certificate,
    not-yet-valid, expired, weak-key, unsupported-key, weak-signature, wrong-usage, wrong-eku, address-mismatch,
    organisation-not-allowed.
    """
    check_certificate(read_certificate(certificate), address, at, organisations=organisations)


def read_certificate(certificate: bytes) -> x509.Certificate:
    """The certificate, or NoProtection ``unreadable-certificate``."""
    try:
        return x509.load_der_x509_certificate(certificate)
    except UNREADABLE as error:
        raise NoProtection("unreadable-certificate") from error


def check_certificate(
    certificate: x509.Certificate, address: str, at: datetime, *, organisations: Collection[str] = ()
) -> None:
    """The same as :func:`check_recipient` for one that is already read."""
    try:
        check_time(certificate, at)
        _check_key(certificate)
        _check_signature(certificate)
        _check_usage(certificate)
        _check_name(certificate, address, organisations)
    except UNREADABLE as error:  # extensions are read late: a foreign one may be broken
        raise NoProtection("unreadable-certificate") from error


def check_time(certificate: x509.Certificate, at: datetime) -> None:
    """Raise NoProtection ``not-yet-valid`` or ``expired`` (CR-20)."""
    if at < certificate.not_valid_before_utc:
        raise NoProtection("not-yet-valid")
    if at > certificate.not_valid_after_utc:
        raise NoProtection("expired")


def addresses_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Mail addresses the certificate stands for: rfc822Name, SmtpUTF8Mailbox, then the subject's (RFC 5280, RFC 9598).

    The subject's counts only when there is no subjectAltName address (RFC 8550 §3). Raises one of UNREADABLE.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    plain = names.get_values_for_type(x509.RFC822Name)
    utf8 = [
        _utf8_string(each.value)
        for each in names.get_values_for_type(x509.OtherName)
        if each.type_id == _SMTP_UTF8_MAILBOX
    ]
    subject = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return tuple(plain + utf8) or tuple(subject)


def organisation_domains(certificate: x509.Certificate) -> tuple[str, ...]:
    """The domains, as the DNS has them, whose organisation's the certificate is (dNSName, as Direct does; CR-16).

    None for one that names a mailbox, and none for one that does not say itself that it is for mail: a server's own
    certificate is nobody's mailbox. Raises one of UNREADABLE.
    """
    names = [each.value for each in certificate.extensions if isinstance(each.value, x509.SubjectAlternativeName)]
    purposes = [each.value for each in certificate.extensions if isinstance(each.value, x509.ExtendedKeyUsage)]
    for_mail = any(ExtendedKeyUsageOID.EMAIL_PROTECTION in each for each in purposes)
    if not for_mail or addresses_of(certificate):
        return ()
    return tuple(ascii_domain(name) for each in names for name in each.get_values_for_type(x509.DNSName))


def in_domain(address: str, domains: Collection[str]) -> bool:
    """Whether the address is in one of these very domains; a domain under one of them is another."""
    local, _, domain = address.rpartition("@")
    return bool(local) and ascii_domain(domain) in domains


def as_organisations(domains: Iterable[str]) -> frozenset[str]:
    """``[crypto] organisation_certificates`` as they are compared."""
    return frozenset(map(ascii_domain, domains))


def same_address(one: str, other: str) -> bool:
    """Domains match without case; local parts exactly, except inside MSSanté where case never counts (CR-16)."""
    local, _, domain = one.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    if not local or ascii_domain(domain) != ascii_domain(other_domain):
        return False
    if ascii_domain(domain).endswith(_MSSANTE):
        return local.lower() == other_local.lower()
    return local == other_local


def _check_name(certificate: x509.Certificate, address: str, organisations: Collection[str]) -> None:
    if any(same_address(each, address) for each in addresses_of(certificate)):
        return
    if not in_domain(address, organisation_domains(certificate)):
        raise NoProtection("address-mismatch")
    if not in_domain(address, organisations):
        raise NoProtection("organisation-not-allowed")


def _check_key(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise NoProtection("weak-key")
        if key.key_size > 8192:
            raise NoProtection("unsupported-key")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            raise NoProtection("unsupported-key")
    elif not isinstance(key, x25519.X25519PublicKey | mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey):
        raise NoProtection("unsupported-key")


def _check_signature(certificate: x509.Certificate) -> None:
    """MD5 and SHA-1 no longer prove who vouched for the key (CR-12)."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm as error:
        raise NoProtection("weak-signature") from error
    if algorithm is not None and not isinstance(algorithm, _STRONG):
        raise NoProtection("weak-signature")


def _check_usage(certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    for extension in extensions:
        if isinstance(extension.value, x509.KeyUsage):
            _check_key_usage(certificate, extension.value)
        elif isinstance(extension.value, x509.ExtendedKeyUsage):
            _check_purpose(extension.value)
        elif isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            raise NoProtection("wrong-usage")
        elif extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            raise NoProtection("wrong-usage")  # RFC 5280 §4.2: a critical extension we do not know forbids use


def _check_key_usage(certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    agreed = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey | x25519.X25519PublicKey)
    allowed = usage.key_agreement if agreed else usage.key_encipherment  # RFC 9935 §5: ML-KEM as RSA
    if not allowed:
        raise NoProtection("wrong-usage")


def _check_purpose(purposes: x509.ExtendedKeyUsage) -> None:
    wanted = (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if not any(purpose in wanted for purpose in purposes):
        raise NoProtection("wrong-eku")


def ascii_domain(domain: str) -> str:
    """As the DNS has it (IDNA 2008, RFC 5891); what is no domain there stays as it is written, in lower case.

    Python's own codec knows IDNA 2003 alone, which takes ``straße`` for the domain ``strasse`` of somebody else.
    """
    lowered = domain.lower()
    if lowered.isascii() or len(lowered) > _LONGEST_DOMAIN:
        return lowered
    import idna  # noqa: PLC0415 - tables that hardly a mail needs

    try:
        return idna.encode(lowered, uts46=True).decode("ascii")
    except UnicodeError:
        return lowered


def _utf8_string(der: bytes) -> str:
    """A short DER UTF8String; a mailbox has at most 255 bytes or it is nobody's."""
    if len(der) > 2 and der[0] == 0x0C and der[1] < 0x80 and len(der) == der[1] + 2:
        return der[2:].decode("utf-8", "replace")
    if len(der) > 3 and der[0] == 0x0C and der[1] == 0x81 and len(der) == der[2] + 3:
        return der[3:].decode("utf-8", "replace")
    return ""
