"""People with keys of every kind that CMS knows, certified by the invented authority."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mlkem, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms import enveloped
from gateway.crypto.trust.policy import Trust
from gateway.crypto.trust.signers import SignersTrust

MAKERS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "x25519": x25519.X25519PrivateKey.generate,
    "ml-kem-768": mlkem.MLKEM768PrivateKey.generate,
    "ml-kem-1024": mlkem.MLKEM1024PrivateKey.generate,
}
_USAGES = {
    "rsa": ("digital_signature", "key_encipherment"),
    "ed25519": ("digital_signature",),
    "x25519": ("key_agreement",),  # RFC 8410 §5
    "ml-kem-768": ("key_encipherment",),  # RFC 9935 §5
    "ml-kem-1024": ("key_encipherment",),
}
_BITS = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A key of any kind and its certificate; a SigningIdentity as far as CMS is concerned."""

    certificate: x509.Certificate
    private_key: Any
    chain: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> bytes:
        key = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.crt

    @property
    def crt(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def person(
    authority: TestAuthority, kind: str, *, address: str = "dr.essai@medecin-essai.mssante.fr", with_ski: bool = True
) -> Person:
    """Somebody new whose key is of that kind."""
    key, issuer = MAKERS[kind](), authority.issuer
    certificate = certify(authority, key, kind, address=address, with_ski=with_ski)
    return Person(certificate=certificate, private_key=key, chain=(issuer.certificate, *issuer.chain))


def certify(
    authority: TestAuthority,
    key: Any,
    kind: str,
    *,
    address: str = "dr.essai@medecin-essai.mssante.fr",
    with_ski: bool = True,
) -> x509.Certificate:
    """A new certificate of this key, for what a key of that kind is used for."""
    issuer, used = authority.issuer, _USAGES.get(kind, ("digital_signature", "key_agreement"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{kind} essai")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(issuer.certificate.not_valid_before_utc)
        .not_valid_after(issuer.certificate.not_valid_after_utc)
        .add_extension(x509.KeyUsage(**{bit: bit in used for bit in _BITS}), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
    )
    if with_ski:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())


def pss_person(authority: TestAuthority, folder: Path, *, digest: str | None = None) -> Person:
    """A key that may sign as RSASSA-PSS alone (RFC 4055): only openssl makes such a certificate."""
    limits = ("-pkeyopt", f"rsa_pss_keygen_md:{digest}", "-pkeyopt", f"rsa_pss_keygen_mgf1_md:{digest}")
    salt = ("-pkeyopt", f"rsa_pss_keygen_saltlen:{int((digest or 'sha000')[3:]) // 8}")
    (folder / "ca.pem").write_bytes(
        authority.issuer.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + authority.issuer.certificate.public_bytes(Encoding.PEM)
    )
    (folder / "ext.cnf").write_text(
        "keyUsage=critical,digitalSignature\nsubjectAltName=email:dr.essai@medecin-essai.mssante.fr\n"
        "subjectKeyIdentifier=hash\n"
    )
    run = ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", *((*limits, *salt) if digest else ()))
    _openssl(folder, "genpkey", *run, "-out", "pss.pem")
    _openssl(folder, "req", "-new", "-key", "pss.pem", "-subj", "/CN=pss essai", "-out", "pss.csr")
    signed = ("-CA", "ca.pem", "-extfile", "ext.cnf", "-days", "30", "-out", "pss.crt")
    _openssl(folder, "x509", "-req", "-in", "pss.csr", *signed)
    key = load_pem_private_key((folder / "pss.pem").read_bytes(), None)
    certificate = x509.load_pem_x509_certificate((folder / "pss.crt").read_bytes())
    chain = (authority.issuer.certificate, *authority.issuer.chain)
    return Person(certificate=certificate, private_key=key, chain=chain)


def encrypt_cbc(*given: Any, **choices: Any) -> bytes:
    """As :func:`enveloped.encrypt_cbc`, in bytes, which asn1crypto and subprocesses ask for."""
    return bytes(enveloped.encrypt_cbc(*given, **choices))


def encrypt_gcm(*given: Any, **choices: Any) -> bytes:
    """The same of :func:`enveloped.encrypt_gcm`."""
    return bytes(enveloped.encrypt_gcm(*given, **choices))


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def believing(roots: tuple[x509.Certificate, ...], at: datetime) -> SignersTrust:
    """Judges signers by these roots alone."""
    return SignersTrust(trust=Trust.of(roots), at=at)
