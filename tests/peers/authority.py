"""Certificates for the peers: a test authority, a server's, an expired one, one under a wrong name, a client's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SERVER_NAME = "mx.test"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a certificate (with its chain) and its key lie."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority and what it issued; ``stranger`` was issued by another one."""

    roots: Path
    server: KeyPair
    expired: KeyPair
    wrong_name: KeyPair
    client: KeyPair
    stranger: KeyPair
    unknown: KeyPair
    """Under the right name, issued by nobody we know."""


def _write(folder: Path, name: str, leaf: trustme.LeafCert) -> KeyPair:
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.key")
    pair.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    pair.key.write_bytes(leaf.private_key_pem.bytes())
    return pair


def make_authority(folder: Path) -> Authority:
    """Writes everything as PEM into ``folder``; names: ``mx.test``, ``localhost`` and 127.0.0.1."""
    authority = trustme.CA(organization_name="Huitaine test authority")
    names = (SERVER_NAME, "localhost", "127.0.0.1")
    roots = folder / "roots.pem"
    authority.cert_pem.write_to_path(str(roots))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = authority.issue_cert(*names, not_before=yesterday - timedelta(days=30), not_after=yesterday)
    somebody = trustme.CA(organization_name="Somebody else")
    stranger = somebody.issue_cert("gateway.test")
    return Authority(
        roots=roots,
        server=_write(folder, "server", authority.issue_cert(*names)),
        expired=_write(folder, "expired", expired),
        wrong_name=_write(folder, "wrong-name", authority.issue_cert("elsewhere.test")),
        client=_write(folder, "client", authority.issue_cert("gateway.test", common_name="gateway.test")),
        stranger=_write(folder, "stranger", stranger),
        unknown=_write(folder, "unknown", somebody.issue_cert(*names)),
    )


def self_signed(path: Path, *, until: datetime) -> None:
    """A certificate of nobody's that ends then."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "spare")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(until - timedelta(days=900)).not_valid_after(until)
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
