"""Where a certificate says that its state can be asked, and the question itself (RFC 5280 §4.2, RFC 6960 §4.1)."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from gateway.crypto.certificates import UNREADABLE

_MOST = 3
_WAYS = ("http://", "https://")  # ldap: and file: are left alone


def crl_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    """The places of its lists of revoked certificates, at most three; none when it cannot be read."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    return _usable([name.value for point in points for name in point.full_name or () if _is_uri(name)])


def ocsp_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    """Its responders, at most three; none when it cannot be read."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    responders = [each for each in access if each.access_method == AuthorityInformationAccessOID.OCSP]
    return _usable([each.access_location.value for each in responders if _is_uri(each.access_location)])


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """The question in DER, without a nonce: responders of large authorities answer from a store (RFC 5019 §4).

    SHA-1 names the certificate and protects nothing: RFC 5019 §2.1.1 knows no other, and many responders neither.
    """
    name = hashes.SHA1()  # noqa: S303
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, name).build()
    return request.public_bytes(Encoding.DER)


def _is_uri(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.UniformResourceIdentifier)


def _usable(urls: list[str]) -> tuple[str, ...]:
    return tuple(url for url in urls if url.lower().startswith(_WAYS))[:_MOST]
