"""A certification authority for trials: ``huitaine init`` in test mode, the demonstration, the tests."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.crypto.keys import PrivateKey, SigningIdentity

Kind = Literal["email", "server", "client", "organisation"]
KeyKind = Literal["rsa2048", "rsa3072", "p256", "p384"]

_PURPOSES = {
    "email": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "organisation": ExtendedKeyUsageOID.EMAIL_PROTECTION,
}
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestAuthority:
    """A root and the intermediate that issues, so that chains are tried as they are in life."""

    __test__: ClassVar[bool] = False  # the name begins like a test's; pytest must not collect it

    root: SigningIdentity
    issuer: SigningIdentity

    @classmethod
    def create(cls, name: str, *, at: datetime | None = None) -> TestAuthority:
        """A new authority on P-256 keys, valid ten years from the day before ``at`` (now when not given)."""
        start = (at or datetime.now(UTC)) - timedelta(days=1)
        period = (start, start + 10 * _YEAR)
        root = _signed(_subject(f"{name} root"), new_key("p256"), None, period, _authority_extensions(1))
        issuer = _signed(_subject(f"{name} issuing"), new_key("p256"), root, period, _authority_extensions(0))
        return cls(root=root, issuer=issuer)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """What a client must trust."""
        return (self.root.certificate,)

    def issue(
        self,
        *,
        address: str,
        kind: Kind = "email",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key: KeyKind = "rsa2048",
    ) -> SigningIdentity:
        """A certificate for a mail address, a host name, an IP address or a whole domain; two years, unless told."""
        start = not_before or self.issuer.certificate.not_valid_before_utc
        period = (start, not_after or start + 2 * _YEAR)
        return _signed(_subject(address), new_key(key), self.issuer, period, _leaf_extensions(address, kind, key))


def new_key(kind: KeyKind) -> PrivateKey:
    """A fresh private key; RSA takes a tenth of a second and more."""
    if kind in {"rsa2048", "rsa3072"}:
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(ec.SECP256R1() if kind == "p256" else ec.SECP384R1())


def to_p12(identity: SigningIdentity, password: bytes | None, *, name: str = "huitaine") -> bytes:
    """PKCS #12 file of key, certificate and chain, as mail clients import it; ``None`` leaves it unencrypted."""
    return pkcs12.serialize_key_and_certificates(
        name.encode(), identity.private_key, identity.certificate, identity.chain, _encryption(password)
    )


def to_pem(identity: SigningIdentity, password: bytes | None) -> bytes:
    """PEM of the key, then the certificate, then the chain."""
    key = identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _encryption(password))
    return key + certificates_pem((identity.certificate, *identity.chain))


def certificates_pem(certificates: tuple[x509.Certificate, ...]) -> bytes:
    """PEM of certificates alone, one after the other."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _signed(
    subject: x509.Name,
    key: PrivateKey,
    issuer: SigningIdentity | None,
    period: tuple[datetime, datetime],
    extensions: list[tuple[x509.ExtensionType, bool]],
) -> SigningIdentity:
    """Issue one certificate; without an issuer it signs itself."""
    above = issuer.private_key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(period[0])
        .not_valid_after(period[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    chain = (issuer.certificate, *issuer.chain) if issuer else ()
    return SigningIdentity(certificate=builder.sign(above, hashes.SHA256()), private_key=key, chain=chain)


def _subject(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Huitaine test"),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
        ]
    )


def _authority_extensions(path_length: int) -> list[tuple[x509.ExtensionType, bool]]:
    return [
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (_key_usage("key_cert_sign", "crl_sign"), True),
    ]


def _leaf_extensions(address: str, kind: Kind, key: KeyKind) -> list[tuple[x509.ExtensionType, bool]]:
    second = "key_encipherment" if key.startswith("rsa") else "key_agreement"
    name = x509.RFC822Name(address) if kind == "email" else _host(address)
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage("digital_signature", second), True),
        (x509.ExtendedKeyUsage([_PURPOSES[kind]]), False),
        (x509.SubjectAlternativeName([name]), False),
    ]


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*granted: str) -> x509.KeyUsage:
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{bit: bit in granted for bit in bits})


def _encryption(password: bytes | None) -> KeySerializationEncryption:
    return BestAvailableEncryption(password) if password else NoEncryption()
