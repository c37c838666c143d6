"""Signers of mails that came in: usage, dates, path, and what the mail brought along of itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import cms, core
from asn1crypto import crl as asn1_crl
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.cms.verify import Signer
from gateway.crypto.trust.asking import HttpAsking
from gateway.crypto.trust.pointers import crl_urls, ocsp_request, ocsp_urls
from gateway.crypto.trust.policy import Revocation, Strictness, Trust
from gateway.crypto.trust.signers import SignersTrust
from gateway.moments import utc_now


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def judged(online):
    """The code for one of the online authority's signers, who brings ``stapled`` along; nobody else answers."""

    def run(name: str, *stapled: bytes, strictness: Strictness = Strictness.HARD) -> str:
        who = online.identities[name]
        trust = Trust(anchors=(online.root,), revocation=Revocation(strictness=strictness))
        signer = Signer(
            certificate=who.certificate.public_bytes(Encoding.DER),
            others=tuple(each.public_bytes(Encoding.DER) for each in who.chain),
            revocations=stapled,
            moment=utc_now(),
        )
        return SignersTrust(trust=trust, at=utc_now()).why_not(signer)

    return run


def _choice(crl: bytes) -> bytes:
    return cms.RevocationInfoChoice(name="crl", value=asn1_crl.CertificateList.load(crl)).dump()


def _answer(online, name: str) -> bytes:
    """As RFC 5940 §2.1 puts an OCSP response beside the lists."""
    who = online.identities[name]
    asked = ocsp_request(who.certificate, who.chain[0])
    response = HttpAsking(seconds=30)(ocsp_urls(who.certificate)[0], asked)
    return _other("1.3.6.1.5.5.7.16.2", response)


def _other(kind: str, content: bytes) -> bytes:
    inner = core.ObjectIdentifier(kind).dump() + content
    return core.OctetString(inner).retag({"implicit": 1}).dump().replace(b"\x81", b"\xa1", 1)


@pytest.fixture
def lists(online):
    who = online.identities["listed-only"]
    asking = HttpAsking(seconds=30)
    return [_choice(asking(crl_urls(each)[0])) for each in (who.certificate, who.chain[0])]


def test_a_list_that_the_mail_brings_is_believed_when_nobody_answers(judged, lists):
    assert judged("listed-only") == "revocation-unknown"
    assert judged("listed-only", *lists) == ""
    assert judged("revoked-on-list", *lists) == "certificate-revoked"


def test_an_answer_that_the_mail_brings_is_believed_when_nobody_answers(judged, lists, online):
    of_the_authority = lists[1:]
    assert judged("responder-only", _answer(online, "responder-only"), *of_the_authority) == ""
    assert judged("responder-only", _answer(online, "good"), *of_the_authority) == "revocation-unknown"
    revoked = _answer(online, "revoked-at-responder")
    assert judged("revoked-at-responder", revoked, *of_the_authority) == "certificate-revoked"


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"\xa1\x00", b"\x04\x01x"])
def test_rubbish_that_the_mail_brings_is_passed_over(judged, lists, junk):
    assert judged("listed-only", junk, _other("1.2.3", b"\x05\x00"), *lists) == ""
    assert judged("listed-only", junk) == "revocation-unknown"


def test_a_certificate_that_cannot_be_read_is_malformed(online, now):
    trust = Trust(anchors=(online.root,))
    assert SignersTrust(trust=trust, at=now).why_not(Signer(certificate=b"\x30\x00", moment=now)) == "malformed"


@pytest.mark.parametrize(
    ("extensions", "why_not"),
    [
        ((), ""),
        ((x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),), ""),
        ((x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]),), "wrong-usage"),
        ((False,), "wrong-usage"),
        ((True,), ""),
    ],
)
def test_what_a_certificate_says_of_its_use_must_allow_it(authority, now, extensions, why_not):
    """A boolean is a KeyUsage: for signatures that bind, or for agreeing on keys alone."""
    issuer = authority.issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(issuer.certificate.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    for each in extensions:
        builder = builder.add_extension(_usage(binds=each) if isinstance(each, bool) else each, critical=False)
    certificate = builder.sign(issuer.private_key, hashes.SHA256()).public_bytes(Encoding.DER)
    others = (issuer.certificate.public_bytes(Encoding.DER),)
    judge = SignersTrust(trust=Trust(anchors=authority.roots), at=now)
    assert judge.why_not(Signer(certificate=certificate, others=others, moment=now)) == why_not
    assert judge.revocation == ({certificate: "not-asked"} if not why_not else {})


def _usage(*, binds: bool) -> x509.KeyUsage:
    no = ("digital_signature", "key_encipherment", "data_encipherment", "key_cert_sign", "crl_sign")
    never = ("encipher_only", "decipher_only")
    return x509.KeyUsage(**dict.fromkeys((*no, *never), False), content_commitment=binds, key_agreement=not binds)
