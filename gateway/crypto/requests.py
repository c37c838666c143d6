"""Asking a real authority for a certificate: the request (RFC 2986), and a stand-in until its answer comes."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.crypto.keys import PrivateKey

_ONE_DAY = timedelta(days=1)


def certificate_request(key: PrivateKey, address: str, organisation: str) -> bytes:
    """A signed request in PEM for a certificate that signs and opens mail of ``address``."""
    alternative = x509.SubjectAlternativeName([x509.RFC822Name(address)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(address, organisation))
    request = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM)


def stand_in(key: PrivateKey, address: str, organisation: str, *, at: datetime) -> x509.Certificate:
    """A self-signed certificate that is already over: it keeps the key in the store and can never sign a letter."""
    name = _subject(address, organisation)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - 2 * _ONE_DAY)
        .not_valid_after(at - _ONE_DAY)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _subject(address: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, (organisation or address)[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, address[:64]),
        ]
    )
