"""A trust space in small: an authority that revokes, operators' certificates, the white list that names them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from directory import update_white_list
from tests.faults.client_certificates import Client, HospitalAuthority
from tests.unit.directory import signing

GP_OPERATOR = "CN=mss.gp.test,OU=1750000000,O=GP ESSAI,ST=Paris (75),C=FR"
OTHER_OPERATOR = "CN=mss.autre.test,OU=1750000999,O=AUTRE ESSAI,C=FR"
FOR_BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(slots=True)
class TrustSpace:
    """Issues, revokes and lists; everything lies in ``folder``."""

    folder: Path
    authority: HospitalAuthority
    server: Path
    """The gateway's own certificate with its key."""
    server_roots: Path

    @classmethod
    def make(cls, folder: Path) -> TrustSpace:
        folder.mkdir(exist_ok=True)
        space = cls(folder, HospitalAuthority(folder, "AC TEST"), folder / "server.pem", folder / "server-roots.pem")
        root = trustme.CA()
        root.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(space.server))
        root.cert_pem.write_to_path(str(space.server_roots))
        space.publish_revocations()
        return space

    @property
    def crl(self) -> Path:
        return self.folder / "operators.crl"

    def publish_revocations(self) -> None:
        self.authority.write_list(self.crl)

    def operator(self, cn: str, unit: str, *, of: HospitalAuthority | None = None, name: str = "") -> Client:
        """A certificate whose subject is an operator's, for server and client alike as IGC-Santé's are."""
        issuer, key = of or self.authority, ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit), x509.NameAttribute(NameOID.COMMON_NAME, cn)]
        )
        builder = issuer._builder(subject, key, days=(-1, 30))
        certificate = builder.add_extension(x509.ExtendedKeyUsage(FOR_BOTH), critical=False).sign(
            issuer.key, hashes.SHA256()
        )
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = issuer.folder / f"{name or certificate.serial_number}.pem"
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
        return Client(path, certificate.serial_number)

    def settings(self) -> str:
        """The door's section, up to where a mail server would be named."""
        return (
            f'\n[operators]\nport = 0\ncertificate = "{self.server}"\n'
            f'client_ca = "{self.authority.ca}"\nclient_crl = "{self.crl}"\n'
        )

    def client_tls(self, shown: Client | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.server_roots))
        if shown:
            context.load_cert_chain(shown.pem)
        return context


def list_domains(
    data: Path, domains: dict[str, str], *, made: datetime | None = None, seen: datetime | None = None
) -> None:
    """Sign a list of domains to their operators' names, and let the gateway whose folder this is take it."""
    issuer = signing.authority()
    content = signing.sign(signing.list_xml(domains, made or datetime.now(UTC)), signing.signer_of(issuer))
    when = seen or datetime.now(UTC)
    update_white_list(data, content, authorities=issuer.pem, common_name=signing.SIGNER, clock=lambda: when)
