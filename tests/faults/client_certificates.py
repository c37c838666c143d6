"""A hospital's authority with a revocation list, and the client certificates that the door must tell apart (E4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass(frozen=True, slots=True)
class Client:
    """A certificate with its key, in one PEM file."""

    pem: Path
    serial: int


@dataclass(slots=True)
class HospitalAuthority:
    """Issues, revokes, and writes everything into ``folder``."""

    folder: Path
    name: str = "CA of the hospital"
    revoked: list[int] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def subject(self) -> x509.Name:
        return _name(self.name)

    @property
    def ca(self) -> Path:
        """Its own certificate as PEM."""
        path = self.folder / f"{self.name}.pem"
        if not path.exists():
            builder = self._builder(self.subject, self.key, days=(-1, 365)).add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
            path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        return path

    def issue(
        self,
        common: str,
        *names: x509.GeneralName,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        days: tuple[int, int] = (-1, 30),
    ) -> Client:
        """A leaf, valid from ``days[0]`` to ``days[1]`` from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(common), key, days=days)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        path = self.folder / f"{certificate.serial_number}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
        return Client(path, certificate.serial_number)

    def write_list(self, path: Path, *, days: int = 7, encoding: Encoding = Encoding.PEM) -> Path:
        """The revocation list as it is now, valid until ``days`` from now, put there in one step."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=self.subject, last_update=now - 2 * _DAY, next_update=now + days * _DAY
        )
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=now - _DAY).build()
            builder = builder.add_revoked_certificate(entry)
        new = path.with_name(f"{path.name}.new")
        new.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(encoding))
        return new.replace(path)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: tuple[int, int]
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
        )
