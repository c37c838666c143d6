"""NIST's Public Key Interoperability Test Suite (2011): paths, and a signed mail, that somebody else made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.crypto.mime import read_entity, split
from gateway.crypto.open import OpeningKeys, open_mail
from gateway.crypto.reception import Reception
from gateway.crypto.trust.path import Verdict, judge
from gateway.crypto.trust.policy import Revocation, Statements, Strictness, Trust

AT = datetime(2012, 1, 1, tzinfo=UTC)
ANCHOR, GOOD = "Trust Anchor", "Good CA"
NOT_BELIEVED = {
    "4.1.3": ("Invalid EE Signature Test3", (GOOD,), "untrusted"),
    "4.2.6": ("Invalid EE notAfter Date EE Certificate Test6", (GOOD,), "expired"),
    "4.6.1": (
        "Invalid Missing basicConstraints EE Certificate Test1",
        ("Missing basicConstraints CA",),
        "untrusted",
    ),
    "4.6.5": (
        "Invalid pathLenConstraint EE Certificate Test5",
        ("pathLenConstraint0 subCA", "pathLenConstraint0 CA"),
        "untrusted",
    ),
    "4.13.2": ("Invalid DN nameConstraints EE Certificate Test2", ("nameConstraints DN1 CA",), "untrusted"),
    "4.16.2": ("Invalid Unknown Critical Certificate Extension EE Cert Test2", (), "untrusted"),
}


@pytest.fixture(scope="module")
def mail(vectors_of_cms: Path) -> bytes:
    """Of test 4.4.3: signed by one who is revoked; it encloses his authority and both lists."""
    return (vectors_of_cms / "pkits_revoked.eml").read_bytes()


@pytest.fixture(scope="module")
def vectors_of_cms() -> Path:
    return Path(__file__).parents[2] / "vectors" / "cms"


@pytest.fixture(scope="module")
def enclosed(mail: bytes) -> cms.SignedData:
    _, signature = split(read_entity(mail))
    return cms.ContentInfo.load(read_entity(signature).content())["content"]


@pytest.fixture(scope="module")
def certificates(vectors_of_cms: Path, enclosed: cms.SignedData) -> dict[str, x509.Certificate]:
    found = x509.load_pem_x509_certificates((vectors_of_cms / "pkits.pem").read_bytes())
    found += [x509.load_der_x509_certificate(each.dump()) for each in enclosed["certificates"]]
    return {str(each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value): each for each in found}


class Lists:
    """The two lists of the suite, whoever is asked about."""

    def __init__(self, enclosed: cms.SignedData) -> None:
        self._said = Statements(crls=tuple(each.dump() for each in enclosed["crls"]))

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statements]:
        yield self._said


def judged(
    certificates: dict[str, x509.Certificate],
    name: str,
    between: tuple[str, ...] = (),
    revocation: Revocation | None = None,
) -> Verdict:
    trust = Trust(anchors=(certificates[ANCHOR],), revocation=revocation or Revocation())
    above = [certificates[each] for each in between]
    return judge(certificates[name], above, trust, valid_at=AT, known_at=AT)


def test_pkits_4_1_1_a_path_that_holds_is_believed(certificates):
    found = judged(certificates, "Valid EE Certificate Test1", (GOOD,))
    assert found.why_not == ""
    assert found.path == tuple(certificates[each] for each in (ANCHOR, GOOD, "Valid EE Certificate Test1"))


@pytest.mark.parametrize("case", NOT_BELIEVED)
def test_pkits_a_path_that_does_not_hold_is_not_believed(certificates, case):
    name, between, why_not = NOT_BELIEVED[case]
    assert judged(certificates, name, between).why_not == why_not
    # Its authorities alone are believed: it is this certificate, or their having issued it, that is wrong.
    for number, authority in enumerate(between):
        assert judged(certificates, authority, between[number + 1 :]).why_not == ""


def test_pkits_4_4_3_a_revoked_certificate_is_refused_and_its_twin_on_the_same_lists_is_not(certificates, enclosed):
    revocation = Revocation(strictness=Strictness.HARD, evidence=Lists(enclosed))
    found = judged(certificates, "Invalid Revoked EE Certificate Test3", (GOOD,), revocation)
    assert (found.why_not, found.revocation) == ("revoked", "revoked")
    twin = judged(certificates, "Valid EE Certificate Test1", (GOOD,), revocation)
    assert (twin.why_not, twin.revocation) == ("", "good")


@pytest.mark.parametrize("strictness", [Strictness.SOFT, Strictness.HARD])
def test_pkits_a_mail_signed_by_one_who_is_revoked_opens_and_says_so(certificates, mail, strictness):
    """The lists came along inside the signature (RFC 5652 §10.2.1); nobody is asked."""
    known = Reception(revocation=Revocation(strictness=strictness))
    opened = open_mail(mail, OpeningKeys(), at=AT, trust_roots=[certificates[ANCHOR]], reception=known)
    (layer,) = opened.layers
    assert (layer.verified, layer.why_not, layer.revocation) == (False, "certificate-revoked", "revoked")
    assert layer.algorithms == ("rsassa_pkcs1v15", "sha256")
    assert opened.parts[0].content == b"This is a sample signed message.\n"


def test_pkits_a_mail_that_was_changed_is_told_before_anybody_asks_who_signed(certificates, mail):
    changed = mail.replace(b"a sample signed", b"a simple signed")
    opened = open_mail(changed, OpeningKeys(), at=AT, trust_roots=[certificates[ANCHOR]])
    assert [each.why_not for each in opened.layers] == ["content-changed"]
    # Unchanged, and with revocation left out, only the address is missing: the certificate names none.
    opened = open_mail(mail, OpeningKeys(), at=AT, trust_roots=[certificates[ANCHOR]])
    assert [each.why_not for each in opened.layers] == ["signer-is-not-from"]
