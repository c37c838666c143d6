"""What anybody may enclose in a mail: broken certificates, too many, and one in the place of another (CR-15, CR-17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.crypto.authority import TestAuthority
from gateway.crypto.certificates import check_recipient
from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import issuer_and_serial
from gateway.crypto.cms.decrypt import read_content_info
from gateway.crypto.cms.der import SEQUENCE, SET, algorithm, oid, set_of, tlv
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.verify import CmsSignature, signatures
from gateway.crypto.keys import SigningIdentity
from gateway.crypto.trust.path import judge
from gateway.crypto.trust.policy import Trust
from gateway.errors import NoProtection, NotOpened
from tests.unit.crypto.cms_people import believing

TEXT = b"Content-Type: text/plain\r\n\r\nessai\r\n"
MAILBOX = "dr.essai@medecin-essai.mssante.fr"
_NAMED = x509.SubjectAlternativeName([x509.RFC822Name(MAILBOX)])
_X400 = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3004a3023000"))
_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def certify(authority: TestAuthority, now: datetime) -> Callable[..., x509.Certificate]:
    """A certificate of one key for everybody here, signed by the authority unless by somebody else."""

    def made(name: x509.ExtensionType, *, by: Any = None, serial: int = 0, key: Any = _KEY) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name("essai"))
            .issuer_name(authority.issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(name, critical=False)
        )
        return builder.sign(by or authority.issuer.private_key, hashes.SHA256())

    return made


@pytest.fixture
def judged(authority: TestAuthority, now: datetime) -> Callable[..., CmsSignature]:
    def run(certificate: x509.Certificate, *enclosed: bytes) -> CmsSignature:
        chain = (authority.issuer.certificate,)
        signer = DetachedSigner(SigningIdentity(certificate=certificate, private_key=_KEY, chain=chain))
        return _judged(signer.sign(TEXT, now), enclosed, authority, now)

    return run


def _judged(der: bytes, enclosed: tuple[bytes, ...], authority: TestAuthority, now: datetime) -> CmsSignature:
    info = cms.ContentInfo.load(der)
    own = b"".join(each.dump() for each in info["content"]["certificates"])
    info["content"]["certificates"] = cms.CertificateSet.load(tlv(0xA0, own, *enclosed), tag_type="implicit", tag=0)
    _, signed = read_content_info(info.dump(force=True))
    (found,) = signatures(signed, TEXT, at=now, trust=believing(authority.roots, now))
    return found


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _changed(certificate: x509.Certificate, authority: TestAuthority, change: Callable[[bytes], bytes]) -> bytes:
    """The certificate with other contents, signed anew by the authority."""
    tbs = change(certificate.tbs_certificate_bytes)
    value = authority.issuer.private_key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return tlv(SEQUENCE, tbs, algorithm(names.ECDSA_WITH_SHA256), tlv(3, b"\0", value))


def _doubled(tbs: bytes) -> bytes:
    parsed = asn1_x509.TbsCertificate.load(tbs)
    parsed["extensions"].append(parsed["extensions"][0])
    return bytes(parsed.dump(force=True))


def _of_version_8(tbs: bytes) -> bytes:
    return tbs.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020107"), 1)


def test_a_signer_whose_names_cannot_be_read_is_malformed(judged, certify, authority):
    assert judged(certify(_NAMED)).why_not == ""  # the control
    assert judged(certify(_X400)).why_not == "malformed"
    doubled = x509.load_der_x509_certificate(_changed(certify(_NAMED), authority, _doubled))
    assert judged(doubled).why_not == "malformed"


@pytest.mark.parametrize(("bits", "code"), [(1024, "weak-key"), (2048, "")])
def test_a_signer_whose_key_others_can_compute_does_not_count(certify, authority, now, bits, code):
    key = rsa.generate_private_key(65537, bits)
    identity = SigningIdentity(
        certificate=certify(_NAMED, key=key), private_key=key, chain=(authority.issuer.certificate,)
    )
    assert _judged(DetachedSigner(identity).sign(TEXT, now), (), authority, now).why_not == code


def test_rubbish_among_the_certificates_spoils_nothing(judged, certify, authority):
    assert judged(certify(_NAMED), _changed(certify(_NAMED), authority, _of_version_8)).why_not == ""


@pytest.mark.parametrize("broken", ["x400", "doubled", "version"])
def test_an_addressees_certificate_that_cannot_be_read_is_refused_in_a_code(broken, certify, authority, now):
    made = {
        "x400": lambda: certify(_X400).public_bytes(Encoding.DER),
        "doubled": lambda: _changed(certify(_NAMED), authority, _doubled),
        "version": lambda: _changed(certify(_NAMED), authority, _of_version_8),
    }
    with pytest.raises(NoProtection) as refused:
        check_recipient(made[broken](), MAILBOX, now)
    assert refused.value.detail == "unreadable-certificate"


def test_more_signers_than_anybody_needs_are_not_judged(certify, authority, now):
    signer = DetachedSigner(SigningIdentity(certificate=certify(_NAMED), private_key=_KEY))
    info = cms.ContentInfo.load(signer.sign(TEXT, now))
    one = info["content"]["signer_infos"][0]
    info["content"]["signer_infos"] = [one.copy() for _ in range(11)]
    _, signed = read_content_info(info.dump(force=True))
    with pytest.raises(NotOpened) as refused:
        signatures(signed, TEXT, at=now, trust=believing(authority.roots, now))
    assert refused.value.detail == "too-many-layers"


def test_authorities_that_cross_sign_one_another_cost_no_more_than_a_few_paths(authority, now):
    """Two certificates for each of forty names are 2^40 paths: whoever tries them all does not come back."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(41)]
    leaf, _, *above = (_crossed(level, keys, now) for level in range(40) for _ in range(2))
    assert judge(leaf, above, Trust.of(authority.roots), valid_at=now, known_at=now).why_not == "untrusted"


def _crossed(level: int, keys: list[ec.EllipticCurvePrivateKey], now: datetime) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(str(level)))
        .issuer_name(_name(str(level + 1)))
        .public_key(keys[level].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(keys[level + 1], hashes.SHA256())
    )


@pytest.mark.parametrize("whose", ["his authority's", "a relay's"])
def test_a_certificate_put_in_the_place_of_the_one_he_asks_for_is_not_told(whose, certify, authority, now):
    """The signature covers issuer and serial number of it, not the certificate: a relay makes its own."""
    asked = certify(_NAMED, serial=4711, key=ec.generate_private_key(ec.SECP256R1()))
    forger = ec.generate_private_key(ec.SECP256R1())
    forged = certify(_NAMED, serial=4711, key=forger, by=forger)
    assert issuer_and_serial(forged) == issuer_and_serial(asked)
    der = _asking_for(asked, certify(_NAMED), authority, now)
    enclosed = (asked if whose == "his authority's" else forged).public_bytes(Encoding.DER)
    found = _judged(der, (enclosed,), authority, now)
    assert found.why_not == ""
    assert found.told.encrypt_to == (enclosed if whose == "his authority's" else b"")


def _asking_for(wanted: x509.Certificate, own: x509.Certificate, authority: TestAuthority, now: datetime) -> bytes:
    """Signed with SMIMEEncryptionKeyPreference (RFC 8551 §2.5.3) for another certificate than the signer's."""
    chain = (authority.issuer.certificate,)
    info = cms.ContentInfo.load(
        DetachedSigner(SigningIdentity(certificate=own, private_key=_KEY, chain=chain)).sign(TEXT, now)
    )
    signer = info["content"]["signer_infos"][0]
    named = b"\xa0" + issuer_and_serial(wanted)[1:]
    preference = tlv(SEQUENCE, oid("1.2.840.113549.1.9.16.2.11"), tlv(SET, named))
    attributes = set_of(*(each.dump() for each in signer["signed_attrs"]), preference)
    signer["signed_attrs"] = cms.CMSAttributes.load(attributes)
    signer["signature"] = _KEY.sign(attributes, ec.ECDSA(hashes.SHA256()))
    return bytes(info.dump(force=True))
