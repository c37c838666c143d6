"""A white list of our own, signed as ANS signs its own, by an authority that exists in tests only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod

SIGNER = "liste.example"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_KEYS: dict[str, rsa.RSAPrivateKey] = {}


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def authority(name: str = "AC TEST ORGANISATIONS") -> Authority:
    key = _key(name)
    certificate = _builder(name, name, key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    return Authority(certificate.sign(key, SHA256()), key)


def signer_of(issuer: Authority, name: str = SIGNER, *, until: datetime = NOW + timedelta(days=900)) -> Authority:
    """emailProtection only, as the real signer: WebPKI rules would refuse it."""
    key = _key(name)
    issuer_name = issuer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    usage = x509.KeyUsage(True, True, *[False] * 7)
    certificate = (
        _builder(name, str(issuer_name), key.public_key(), until)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    )
    return Authority(certificate.sign(issuer.key, SHA256()), key)


def list_xml(domains: dict[str, str], generated: datetime = NOW) -> bytes:
    """An unsigned list: domain to DN of its operator."""
    entries = "".join(
        f'<Domaine><Nom>{name}</Nom><Description>""essai""</Description>'
        f"<DNCertificatOperateur>{operator}</DNCertificatOperateur></Domaine>"
        for name, operator in domains.items()
    )
    return (
        '<ListeBlancheMSSante xmlns="https://listeblanche.mssante.fr/schema">'
        f"<DateDeGeneration>{generated:%Y-%m-%dT%H:%M:%SZ}</DateDeGeneration>"
        f"<ListeDomaines>{entries}</ListeDomaines></ListeBlancheMSSante>"
    ).encode()


def sign(content: bytes, signer: Authority) -> bytes:
    """Enveloped, exclusive canonicalisation, RSA-SHA256, one reference to the whole."""
    engine = XMLSigner(c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
    certificate = signer.certificate.public_bytes(Encoding.PEM).decode()
    return etree.tostring(engine.sign(etree.fromstring(content), key=signer.key, cert=certificate), encoding="UTF-8")


def _key(name: str) -> rsa.RSAPrivateKey:
    if name not in _KEYS:
        _KEYS[name] = rsa.generate_private_key(65537, 2048)
    return _KEYS[name]


def _builder(
    name: str, issuer: str, public: rsa.RSAPublicKey, until: datetime = NOW + timedelta(days=3000)
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=100))
        .not_valid_after(until)
    )
