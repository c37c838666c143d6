"""Which certificates may protect a letter: each reason to refuse has its own code (CR-12, CR-15, CR-16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.crypto.certificates import addresses_of, check_recipient, same_address
from gateway.crypto.cms.recipients import CmsRecipient
from gateway.crypto.cms.signed import issuer_and_serial
from gateway.errors import NoProtection
from tests.unit.crypto.cms_people import person

GP = "dr.essai@medecin-essai.mssante.fr"


def _usage(**granted: bool) -> x509.KeyUsage:
    bits = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
    )
    wanted = dict.fromkeys(bits.split(), False) | {"encipher_only": False, "decipher_only": False} | granted
    return x509.KeyUsage(**wanted)


@pytest.fixture
def made(now) -> Callable[..., bytes]:
    """A certificate of any kind, signed by itself."""

    def make(*extensions: x509.ExtensionType, key=None, subject: str = "essai", email: str = "", digest=None) -> bytes:
        key = key or ec.generate_private_key(ec.SECP256R1())
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, subject)]
        if email:
            attributes.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, email))
        name = x509.Name(attributes)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1 << 158)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for value in extensions:
            builder = builder.add_extension(value, critical=isinstance(value, x509.UnrecognizedExtension))
        algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else (digest or hashes.SHA256())
        return builder.sign(key, algorithm).public_bytes(Encoding.DER)

    return make


ADDRESS = x509.SubjectAlternativeName([x509.RFC822Name(GP)])


def _code(certificate: bytes, at, address: str = GP) -> str:
    with pytest.raises(NoProtection) as refused:
        check_recipient(certificate, address, at)
    return refused.value.detail


def test_a_good_certificate_is_good(der_of, gp, gp_ec, made, now):
    for certificate in (der_of(gp), der_of(gp_ec), made(ADDRESS)):
        check_recipient(certificate, GP, now)


def test_time_bounds(der_of, authority, now):
    period = {"not_before": now, "not_after": now + timedelta(days=1)}
    certificate = der_of(authority.issue(address=GP, key="p256", **period))
    check_recipient(certificate, GP, now)
    check_recipient(certificate, GP, now + timedelta(days=1))
    assert _code(certificate, now - timedelta(seconds=1)) == "not-yet-valid"
    assert _code(certificate, now + timedelta(days=1, seconds=1)) == "expired"


def test_address_of_somebody_else(der_of, gp, now):
    assert _code(der_of(gp), now, "dr.autre@medecin-essai.mssante.fr") == "address-mismatch"
    assert _code(der_of(gp), now, "dr.essai@autre.mssante.fr") == "address-mismatch"
    assert _code(der_of(gp), now, "medecin-essai.mssante.fr") == "address-mismatch"


def test_a_host_certificate_is_nobodys_mailbox(authority, der_of, made, now):
    host = authority.issue(address="medecin-essai.mssante.fr", kind="server", key="p256")
    assert _code(der_of(host), now) == "wrong-eku"
    assert (
        _code(made(x509.SubjectAlternativeName([x509.DNSName("medecin-essai.mssante.fr")])), now) == "address-mismatch"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Dr.Essai@MEDECIN.mssante.fr", "dr.essai@medecin.MSSANTE.fr", True),
        ("Dr.Essai@example.org", "dr.essai@example.org", False),
        ("dr.essai@EXAMPLE.org", "dr.essai@example.org", True),
        ("dr.essai@exämple.org", "dr.essai@xn--exmple-cua.org", True),
        ("dr.essai@straße.example", "dr.essai@strasse.example", False),  # another owner since IDNA 2008
        ("dr.essai@STRAẞE.example", "dr.essai@straße.example", True),
        ("a@b.mssante.fr.example.org", "A@b.mssante.fr.example.org", False),
        ("", "", False),
        ("@example.org", "@example.org", False),
        ("a@" + "x" * 70 + ".org", "a@" + "x" * 70 + ".org", True),
    ],
)
def test_when_two_addresses_are_the_same(one, other, same):
    assert same_address(one, other) is same


def test_the_subject_counts_only_without_a_subject_alternative_name(made, now):
    check_recipient(made(email=GP), GP, now)
    other = x509.SubjectAlternativeName([x509.RFC822Name("autre@medecin-essai.mssante.fr")])
    assert _code(made(other, email=GP), now) == "address-mismatch"


@pytest.mark.parametrize("length", [10, 200])
def test_an_internationalised_mailbox_is_read(made, now, length):
    address = "é" * (length // 2) + "@example.org"
    text = address.encode()
    head = bytes((0x0C, len(text))) if len(text) < 128 else bytes((0x0C, 0x81, len(text)))
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), head + text)
    check_recipient(made(x509.SubjectAlternativeName([name])), address, now)


def test_a_broken_internationalised_mailbox_is_nobodys(made):
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.9"), b"\x04\x01a")
    certificate = x509.load_der_x509_certificate(made(x509.SubjectAlternativeName([name])))
    assert addresses_of(certificate) == ("",)


def test_usage_that_does_not_encrypt(made, now):
    assert _code(made(ADDRESS, _usage(digital_signature=True)), now) == "wrong-usage"
    assert _code(made(ADDRESS, _usage(key_encipherment=True)), now) == "wrong-usage"  # that is RSA's bit
    check_recipient(made(ADDRESS, _usage(key_agreement=True)), GP, now)


def test_an_authority_is_no_addressee(made, now):
    assert _code(made(ADDRESS, x509.BasicConstraints(ca=True, path_length=None)), now) == "wrong-usage"


def test_a_critical_extension_nobody_knows_forbids_use(made, now):
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert _code(made(ADDRESS, unknown), now) == "wrong-usage"


def test_purposes(made, now):
    assert _code(made(ADDRESS, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])), now) == "wrong-eku"
    for purpose in (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE):
        check_recipient(made(ADDRESS, x509.ExtendedKeyUsage([purpose])), GP, now)


def test_weak_and_unknown_keys(made, now):
    assert _code(made(ADDRESS, key=rsa.generate_private_key(65537, 1024)), now) == "weak-key"  # noqa: S505 - meant
    assert _code(made(ADDRESS, key=ed25519.Ed25519PrivateKey.generate()), now) == "unsupported-key"
    assert _code(made(ADDRESS, key=ec.generate_private_key(ec.SECP256K1())), now) == "unsupported-key"


def test_a_signature_by_a_broken_digest(openssl, tmp_path, now):
    import subprocess

    subject = ["-subj", "/CN=essai", "-addext", f"subjectAltName=email:{GP}"]
    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-sha1",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "k",
            "-outform",
            "DER",
            *subject,
        ],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert _code(made.stdout, now + timedelta(days=1)) == "weak-signature"


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----"])
def test_what_is_no_certificate(junk, now):
    assert _code(junk, now) == "unreadable-certificate"


def test_a_broken_extension_is_told_as_unreadable(made, now):
    broken = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\xff\xff")
    assert _code(made(ADDRESS, broken), now) == "unreadable-certificate"


def test_the_issuer_is_named_byte_for_byte_as_in_the_certificate(made, gp):
    for certificate in (x509.load_der_x509_certificate(made(ADDRESS)), gp.certificate):
        named = issuer_and_serial(certificate)
        assert certificate.issuer.public_bytes() in named
        assert certificate.serial_number.to_bytes(20, "big").lstrip(b"\0") in named


def test_a_key_that_can_neither_transport_nor_agree_is_no_recipient(made):
    with pytest.raises(NoProtection):
        CmsRecipient(x509.load_der_x509_certificate(made(ADDRESS, key=ed25519.Ed25519PrivateKey.generate())))


def test_a_key_that_takes_seconds_to_use_is_refused(authority, now):
    """RSA beyond 8192 bits; a made-up modulus does, for nobody signs with it."""
    for bits, code in ((4096, None), (8200, "unsupported-key")):
        key = rsa.RSAPublicNumbers(65537, (1 << bits) - 1).public_key()
        certificate = _issued(authority, now, key)
        if code is None:
            check_recipient(certificate, GP, now)
            continue
        with pytest.raises(NoProtection) as refused:
            check_recipient(certificate, GP, now)
        assert refused.value.detail == code


def test_a_certificate_signed_in_a_way_nobody_knows_is_refused(authority, now):
    known = _issued(authority, now, rsa.RSAPublicNumbers(65537, (1 << 4096) - 1).public_key())
    ecdsa_sha256 = bytes.fromhex("2a8648ce3d040302")
    assert known.count(ecdsa_sha256) == 2
    with pytest.raises(NoProtection) as refused:
        check_recipient(known.replace(ecdsa_sha256, bytes.fromhex("2a8648ce3d04037f")), GP, now)
    assert refused.value.detail == "weak-signature"


def _issued(authority, now, key) -> bytes:
    issuer = authority.issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key)
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(ADDRESS, critical=True)
    )
    return builder.sign(issuer.private_key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("kind", "code"), [("x25519", ""), ("ml-kem-768", ""), ("ml-kem-1024", ""), ("ed25519", "unsupported-key")]
)
def test_a_key_of_a_newer_kind_may_be_encrypted_to_and_one_that_only_signs_may_not(authority, now, kind, code):
    certificate = person(authority, kind).certificate.public_bytes(Encoding.DER)
    if not code:
        check_recipient(certificate, GP, now)
        return
    with pytest.raises(NoProtection) as refused:
        check_recipient(certificate, GP, now)
    assert refused.value.detail == code
