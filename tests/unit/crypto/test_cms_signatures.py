"""SignedData: every kind of key signs with what belongs to it; what was changed or swapped does not hold (CR-08)."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority
from gateway.crypto.cms import names
from gateway.crypto.cms.certificate_ids import key_identifier
from gateway.crypto.cms.decrypt import read_content_info
from gateway.crypto.cms.der import NULL, OCTETS, SEQUENCE, SET, algorithm, elements, oid, set_of, tlv
from gateway.crypto.cms.signed import DetachedSigner
from gateway.crypto.cms.verify import CmsSignature, Signer, encapsulated, signatures
from gateway.errors import NotOpened
from tests.unit.crypto.cms_people import Person, believing, person, pss_person

TEXT = b"Content-Type: text/plain\r\n\r\nCompte rendu d'essai\r\n"
KINDS = {
    "rsa": ("rsassa_pkcs1v15", "sha256", b"sha-256"),
    "pss": ("rsassa_pss", "sha256", b"sha-256"),
    "pss-sha384": ("rsassa_pss", "sha384", b"sha-384"),
    "p256": ("sha256_ecdsa", "sha256", b"sha-256"),
    "p384": ("sha384_ecdsa", "sha384", b"sha-384"),
    "p521": ("sha512_ecdsa", "sha512", b"sha-512"),
    "brainpool": ("sha256_ecdsa", "sha256", b"sha-256"),
    "ed25519": ("ed25519", "sha512", b"sha-512"),
}


@pytest.fixture(scope="session")
def signers(authority: TestAuthority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Person]:
    made = {kind: person(authority, kind) for kind in KINDS if not kind.startswith("pss")}
    made["pss"] = pss_person(authority, tmp_path_factory.mktemp("pss"))
    made["pss-sha384"] = pss_person(authority, tmp_path_factory.mktemp("pss"), digest="sha384")
    return made


@pytest.fixture
def later(now: datetime) -> datetime:
    """openssl dates a certificate from this second."""
    return now + timedelta(minutes=1)


def judged(der: bytes, at: datetime, authority: TestAuthority, content: bytes = TEXT) -> CmsSignature:
    _, signed = read_content_info(der)
    (found,) = signatures(signed, content, at=at, trust=believing(authority.roots, at))
    return found


def signed_data(der: bytes) -> cms.SignedData:
    return cms.ContentInfo.load(der, strict=True)["content"]


@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_signs_with_what_belongs_to_it(authority, signers, later, kind, by_key_id):
    signer = DetachedSigner(signers[kind], by_key_id=by_key_id)
    der = signer.sign(TEXT, later)
    mechanism, digest, micalg = KINDS[kind]
    found = judged(der, later, authority)
    assert (found.why_not, found.algorithms) == ("", (mechanism, digest))
    assert signer.micalg == micalg
    assert found.signed_at == later
    assert found.addresses == ("dr.essai@medecin-essai.mssante.fr",)
    assert judged(der, later, authority, TEXT + b" ").why_not == "content-changed"


@pytest.mark.parametrize("by_key_id", [False, True], ids=["issuer", "key-id"])
@pytest.mark.parametrize("kind", KINDS)
def test_asn1crypto_would_write_the_same_bytes(signers, later, kind, by_key_id):
    der = DetachedSigner(signers[kind], by_key_id=by_key_id).sign(TEXT, later)
    info = cms.ContentInfo.load(der, strict=True)
    assert info.dump(force=True) == der
    version = "v3" if by_key_id else "v1"  # RFC 5652 §5.1
    assert info["content"]["version"].native == info["content"]["signer_infos"][0]["version"].native == version


def test_the_chain_goes_along_without_its_root(signers, later):
    der = DetachedSigner(signers["p256"]).sign(TEXT, later)
    enclosed = {each.chosen.dump() for each in signed_data(der)["certificates"]}
    issuing, root = (each.public_bytes(Encoding.DER) for each in signers["p256"].chain)
    assert enclosed == {signers["p256"].certificate.public_bytes(Encoding.DER), issuing}
    assert root not in enclosed


def test_capabilities_tell_what_we_open_and_oaep_for_an_rsa_key_alone(signers, later):
    def told(kind: str) -> list[str]:
        attributes = signed_data(DetachedSigner(signers[kind]).sign(TEXT, later))["signer_infos"][0]["signed_attrs"]
        (values,) = (each["values"] for each in attributes if each["type"].dotted == names.SMIME_CAPABILITIES)
        return [each[0].dotted for each in values[0]]

    assert told("rsa") == [*told("p256"), names.RSAES_OAEP]
    assert told("p256")[0] == names.AES256_GCM
    assert names.AES256_CBC in told("p256")


# What does not hold -------------------------------------------------------------------------------------------------


def with_attributes(one: Person, attributes: list[bytes], *, digest: str = names.SHA256) -> bytes:
    """SignedData of one signer whose attributes are written here, signed rightly over them."""
    from gateway.crypto.cms.certificate_ids import issuer_and_serial
    from gateway.crypto.cms.der import integer
    from gateway.crypto.cms.mechanisms import mechanism_of

    mechanism, who = mechanism_of(one.certificate, one.private_key), issuer_and_serial(one.certificate)
    covered = set_of(*attributes)
    told = b"\xa0" + covered[1:] if attributes else b""
    signature = tlv(OCTETS, mechanism.sign(covered if attributes else TEXT))
    info = tlv(SEQUENCE, integer(1), who, algorithm(digest), told, mechanism.signature_algorithm, signature)
    certificates = tlv(0xA0, one.certificate.public_bytes(Encoding.DER), one.chain[0].public_bytes(Encoding.DER))
    body = (integer(1), tlv(SET, algorithm(digest)), tlv(SEQUENCE, oid(names.DATA)), certificates, tlv(SET, info))
    return tlv(SEQUENCE, oid(names.SIGNED_DATA), tlv(0xA0, tlv(SEQUENCE, *body)))


def attribute(kind: str, value: bytes) -> bytes:
    return tlv(SEQUENCE, oid(kind), tlv(SET, value))


def digest_of(content: bytes) -> bytes:
    import hashlib

    return attribute(names.MESSAGE_DIGEST, tlv(OCTETS, hashlib.sha256(content).digest()))


OF_DATA = attribute(names.CONTENT_TYPE, oid(names.DATA))


@pytest.mark.parametrize(
    ("attributes", "why_not"),
    [
        ([OF_DATA, digest_of(TEXT)], ""),
        ([], "no-signed-attributes"),
        ([OF_DATA, digest_of(b"other")], "content-changed"),
        ([digest_of(TEXT)], "malformed"),
        ([OF_DATA], "malformed"),
        ([OF_DATA, OF_DATA, digest_of(TEXT)], "malformed"),
        ([attribute(names.CONTENT_TYPE, oid(names.SIGNED_DATA)), digest_of(TEXT)], "malformed"),
        ([OF_DATA, digest_of(TEXT), attribute(names.SIGNING_TIME, NULL)], "malformed"),
    ],
)
def test_the_signed_attributes_are_there_and_say_what_was_signed(authority, signers, later, attributes, why_not):
    assert judged(with_attributes(signers["p256"], attributes), later, authority).why_not == why_not


@pytest.mark.parametrize("digest", ["1.3.14.3.2.26", "1.2.840.113549.2.5", "2.16.840.1.101.3.4.2.4"])
def test_cr_12_a_weak_digest_does_not_count(authority, signers, later, digest):
    found = judged(with_attributes(signers["p256"], [OF_DATA, digest_of(TEXT)], digest=digest), later, authority)
    assert found.why_not == "weak-digest"


def test_cr_12_a_weak_digest_inside_the_signature_algorithm_does_not_count(authority, signers, later):
    der = DetachedSigner(signers["p256"]).sign(TEXT, later)
    weak = der.replace(oid(names.ECDSA_WITH_SHA256), oid("1.2.840.10045.4.3.1"))  # with SHA-224
    assert judged(weak, later, authority).why_not == "weak-digest"


def test_a_swapped_signer_does_not_hold(authority, signers, later):
    """By another's certificate, or by another of the same key: ESSCertIDv2 names the right one (RFC 5035)."""
    one = signers["p256"]
    twin = replace(one, certificate=person(authority, "p256").certificate)
    assert judged(DetachedSigner(twin).sign(TEXT, later), later, authority).why_not == "content-changed"
    der = DetachedSigner(one).sign(TEXT, later)
    renewed = _reissued(authority, one)
    swapped = der.replace(one.certificate.public_bytes(Encoding.DER), renewed.certificate.public_bytes(Encoding.DER))
    serial_of = _serial(one), _serial(renewed)
    assert len(serial_of[0]) == len(serial_of[1])
    info_swapped = swapped.replace(*serial_of)
    assert judged(der, later, authority).why_not == ""
    assert judged(info_swapped, later, authority).why_not == "malformed"


def _reissued(authority: TestAuthority, one: Person) -> Person:
    """The same key in a second certificate of the same size."""
    size = len(one.certificate.public_bytes(Encoding.DER))
    from tests.unit.crypto.cms_people import certify

    while True:
        again = replace(one, certificate=certify(authority, one.private_key, "p256"))
        same = len(again.certificate.public_bytes(Encoding.DER)) == size and len(_serial(again)) == len(_serial(one))
        if same:
            return again


def _serial(one: Person) -> bytes:
    return elements(one.certificate.tbs_certificate_bytes, 2)[1]


def test_a_stripped_certificate_is_missing(authority, signers, later):
    info = cms.ContentInfo.load(DetachedSigner(signers["p256"]).sign(TEXT, later))
    info["content"]["certificates"] = [each for each in info["content"]["certificates"] if _is_authority(each)]
    assert judged(info.dump(force=True), later, authority).why_not == "signer-certificate-missing"
    del info["content"]["certificates"]
    assert judged(info.dump(force=True), later, authority).why_not == "signer-certificate-missing"


def test_a_key_identifier_that_no_certificate_has_is_missing_too(authority, signers, later):
    der = DetachedSigner(signers["p256"], by_key_id=True).sign(TEXT, later)
    own = key_identifier(signers["p256"].certificate)
    at = der.rindex(own)  # the SignerInfo comes after the certificates
    other = der[:at] + bytes(len(own)) + der[at + len(own) :]
    assert judged(other, later, authority).why_not == "signer-certificate-missing"


def _is_authority(choice: cms.CertificateChoices) -> bool:
    return bool(choice.chosen.ca)


def test_a_stripped_signature_is_no_signature(signers, later):
    info = cms.ContentInfo.load(DetachedSigner(signers["p256"]).sign(TEXT, later))
    info["content"]["signer_infos"] = []
    _, signed = read_content_info(info.dump(force=True))
    with pytest.raises(NotOpened) as refused:
        signatures(signed, TEXT, at=later, trust=believing((), later))
    assert refused.value.detail == "not-cms"


def test_every_signer_is_judged_alone(authority, signers, later):
    info, other = (
        cms.ContentInfo.load(DetachedSigner(signers[kind]).sign(content, later))
        for kind, content in (("p256", TEXT), ("ed25519", b"other"))
    )
    for name in ("signer_infos", "certificates"):
        info["content"][name] = [*info["content"][name], *other["content"][name]]
    _, signed = read_content_info(info.dump(force=True))
    found = signatures(signed, TEXT, at=later, trust=believing(authority.roots, later))
    assert sorted((each.algorithms[0], each.why_not) for each in found) == [
        ("ed25519", "content-changed"),
        ("sha256_ecdsa", ""),
    ]


def test_a_signature_of_the_future_does_not_count(authority, signers, later):
    der = DetachedSigner(signers["p256"]).sign(TEXT, later)
    assert judged(der, later - timedelta(minutes=4), authority).why_not == ""  # clocks differ
    assert judged(der, later - timedelta(minutes=6), authority).why_not == "signed-in-the-future"


def test_without_a_signing_time_the_moment_of_reception_counts(authority, signers, later):
    der = with_attributes(signers["p256"], [OF_DATA, digest_of(TEXT)])
    found = judged(der, later, authority)
    assert (found.signed_at, found.why_not) == (None, "")
    assert judged(der, later + timedelta(days=36500), authority).why_not == "certificate-expired"


def test_a_trust_that_is_given_decides_and_sees_what_the_message_encloses(signers, later):
    asked: list[Signer] = []

    class Asked:
        def why_not(self, signer: Signer) -> str:
            asked.append(signer)
            return "not-today"

    info = cms.ContentInfo.load(DetachedSigner(signers["p256"]).sign(TEXT, later))
    (found,) = signatures(info["content"], TEXT, at=later + timedelta(days=1), trust=Asked())
    assert found.why_not == "not-today"
    assert asked[0].certificate == signers["p256"].certificate.public_bytes(Encoding.DER)
    assert asked[0].others == (signers["p256"].chain[0].public_bytes(Encoding.DER),)
    assert asked[0].moment == later
    assert asked[0].revocations == ()


def test_a_trust_is_given_the_revocations_that_the_message_encloses(authority, signers, later):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    issuer = authority.issuer
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(later)
        .next_update(later + timedelta(days=1))
        .sign(issuer.private_key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    info = cms.ContentInfo.load(DetachedSigner(signers["p256"]).sign(TEXT, later))
    info["content"]["crls"] = cms.RevocationInfoChoices.load(tlv(SET, crl))
    seen: list[Signer] = []

    class Seeing:
        def why_not(self, signer: Signer) -> str:
            seen.append(signer)
            return ""

    _, signed = read_content_info(info.dump(force=True))
    (found,) = signatures(signed, TEXT, at=later, trust=Seeing())
    assert (found.why_not, seen[0].revocations) == ("", (crl,))


@pytest.mark.parametrize("trouble", [UnsupportedAlgorithm("x"), AssertionError(), NotImplementedError(), KeyError("x")])
def test_whatever_pyhanko_raises_is_a_malformed_signature(authority, signers, later, monkeypatch, trouble):
    def fails(*_):
        raise trouble

    der = DetachedSigner(signers["p256"]).sign(TEXT, later)
    monkeypatch.setattr("pyhanko.sign.validation.generic_cms.validate_sig_integrity", fails)
    assert judged(der, later, authority).why_not == "malformed"


# What the roots alone decide ----------------------------------------------------------------------------------------


def test_the_roots_alone_judge_dates_usage_and_path(authority, signers, now):
    far = now + timedelta(days=36500)
    der = with_attributes(signers["p256"], [OF_DATA, digest_of(TEXT)])
    assert judged(der, now - timedelta(days=400), authority).why_not == "certificate-not-yet-valid"
    assert judged(der, far, authority).why_not == "certificate-expired"
    assert judged(der, now, TestAuthority.create("Autre", at=now)).why_not == "untrusted-signer"
    assert judged(der, now, authority).why_not == ""


def test_a_key_that_may_not_sign_or_not_mail_is_wrong_usage(authority, now):
    for kind, why_not in (("email", ""), ("server", "wrong-usage")):
        one = authority.issue(
            address="dr.essai@medecin-essai.mssante.fr" if kind == "email" else "h", key="p256", kind=kind
        )
        assert judged(DetachedSigner(one).sign(TEXT, now), now, authority).why_not == why_not


def test_key_usage_without_signature_is_wrong_usage(authority, now):
    from tests.unit.crypto.cms_people import certify

    one = person(authority, "p256")
    only_agrees = replace(one, certificate=certify(authority, one.private_key, "x25519"))
    der = DetachedSigner(only_agrees).sign(TEXT, now)
    assert judged(der, now, authority).why_not == "wrong-usage"


def test_esscertid_counts_from_the_first_signature_of_a_process_on(signers, later, tmp_path: Path):
    """asn1crypto reads the attribute only once somebody imported ``asn1crypto.tsp``: pyHanko does, but too late."""
    (tmp_path / "signed").write_bytes(DetachedSigner(signers["p256"]).sign(TEXT, later))
    program = (
        "import sys; from pathlib import Path; from gateway.crypto.cms.decrypt import read_content_info\n"
        "_, signed = read_content_info(Path(sys.argv[1]).read_bytes())\n"
        "print([each['type'].native for each in signed['signer_infos'][0]['signed_attrs']])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "signed")], capture_output=True, text=True, check=True
    )
    assert "signing_certificate_v2" in done.stdout


# What is no SignedData ----------------------------------------------------------------------------------------------


def test_what_is_no_signed_data_is_not_cms(later):
    for broken in (cms.SignedData.load(b"\x30\x00"), cms.SignedData.load(b"\x30\x03\x02\x01\x01")):
        with pytest.raises(NotOpened):
            signatures(broken, TEXT, at=later, trust=believing((), later))
        with pytest.raises(NotOpened):
            encapsulated(broken)


def test_a_signer_shows_nothing_in_a_repr(signers):
    assert repr(DetachedSigner(signers["p256"])) == "DetachedSigner(hidden)"
    assert "essai" not in repr(Signer(certificate=b"essai", moment=datetime.now().astimezone()))
