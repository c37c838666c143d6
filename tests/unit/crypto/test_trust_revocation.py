"""Revoked, expired, unreachable, untrusted: each refused for its own reason, and its twin believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.crypto.authority import TestAuthority
from gateway.crypto.trust.asking import HttpAsking
from gateway.crypto.trust.cache import StatementCache
from gateway.crypto.trust.path import Verdict, judge
from gateway.crypto.trust.policy import NoEvidence, Revocation, Statements, Strictness, Trust
from gateway.crypto.trust.statements import NoStatement
from gateway.moments import utc_now

SOFT, HARD, OFF = Strictness.SOFT, Strictness.HARD, Strictness.OFF


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


def unreachable(url: str, question: bytes | None = None) -> bytes:
    raise NoStatement("unreachable")


@pytest.fixture
def verdict(online):
    """The verdict on a leaf of the online authority, asked afresh."""

    def of(name: str, strictness: Strictness = HARD, asking=None, **moments) -> Verdict:
        evidence = StatementCache(asking or HttpAsking(seconds=10), folder=None, clock=utc_now)
        trust = Trust(anchors=(online.root,), revocation=Revocation(strictness=strictness, evidence=evidence))
        who = online.identities[name]
        return judge(
            who.certificate,
            who.chain,
            trust,
            valid_at=moments.get("valid_at", utc_now()),
            known_at=moments.get("known_at", utc_now()),
        )

    return of


def test_a_certificate_revoked_on_a_list_is_refused(verdict):
    assert verdict("listed-only") == Verdict(revocation="good", path=verdict("listed-only").path)
    for strictness in (SOFT, HARD):
        assert verdict("revoked-on-list", strictness).why_not == "revoked"


def test_a_certificate_revoked_at_its_responder_is_refused(verdict):
    assert verdict("responder-only").why_not == ""
    for strictness in (SOFT, HARD):
        assert verdict("revoked-at-responder", strictness).why_not == "revoked"


def test_a_certificate_under_a_revoked_authority_is_refused_although_its_own_state_is_unknown(verdict):
    assert verdict("no-pointers", SOFT).why_not == ""
    assert verdict("under-revoked", SOFT).why_not == "revoked"


def test_an_unreachable_responder_is_told_by_the_soft_rule_and_refused_by_the_hard_one(verdict):
    assert verdict("responder-only", HARD).revocation == "good"
    soft, hard = (verdict("responder-only", rule, unreachable) for rule in (SOFT, HARD))
    assert (soft.why_not, soft.revocation) == ("", "unknown")
    assert (hard.why_not, hard.revocation) == ("revocation-unknown", "unknown")


def test_a_certificate_that_names_nobody_to_ask_is_no_alarm_and_no_proof(verdict):
    soft, hard = verdict("no-pointers", SOFT), verdict("no-pointers", HARD)
    assert (soft.why_not, soft.revocation) == ("", "unpublished")
    assert (hard.why_not, hard.revocation) == ("revocation-unknown", "unpublished")


def test_off_asks_nobody(verdict, online):
    asked = len(online.asked)
    assert verdict("revoked-on-list", OFF).revocation == "not-asked"
    assert len(online.asked) == asked


def test_revoked_after_the_mail_came_is_not_revoked_then(verdict):
    """The tests' revocations are ten days old."""
    eleven, nine = (utc_now() - timedelta(days=days) for days in (11, 9))
    assert verdict("revoked-on-list", valid_at=eleven, known_at=eleven).why_not == ""
    assert verdict("revoked-on-list", valid_at=nine, known_at=nine).why_not == "revoked"


def test_a_signing_time_before_the_revocation_helps_no_thief(verdict):
    assert verdict("revoked-on-list", valid_at=utc_now() - timedelta(days=20)).why_not == "revoked"


def test_an_expired_certificate_is_judged_at_the_moment_asked_for(verdict):
    assert verdict("expired", OFF).why_not == "expired"
    before = utc_now() - timedelta(days=40)
    assert verdict("expired", OFF, valid_at=before).why_not == ""
    assert verdict("good", OFF, valid_at=utc_now() - timedelta(days=90)).why_not == "not-yet-valid"
    # What is over now was last asked about in its last moment: newer lists leave it out.
    assert verdict("expired", SOFT, valid_at=before).why_not == ""


def test_a_list_of_somebody_else_proves_nothing(verdict, online):
    """The right answer of another authority, and rubbish: neither counts, and both are asked for again."""
    real = HttpAsking(seconds=10)

    def crossed(url: str, question: bytes | None = None) -> bytes:
        return real(url.replace("crls/issuing", "crls/root"), question)

    assert verdict("listed-only", HARD, crossed).why_not == "revocation-unknown"
    assert verdict("listed-only", HARD, lambda *_: b"rubbish").why_not == "revocation-unknown"
    assert verdict("listed-only", HARD).why_not == ""


def test_a_list_is_asked_where_the_responder_proves_nothing(verdict, online):
    real = HttpAsking(seconds=10)

    def mute(url: str, question: bytes | None = None) -> bytes:
        if question is not None:
            raise NoStatement("unreachable")
        return real(url)

    assert verdict("good", HARD, mute).revocation == "good"


# Paths --------------------------------------------------------------------------------------------------------------


def test_a_path_to_no_anchor_of_ours_is_untrusted(online, now):
    who = online.identities["good"]
    stranger = TestAuthority.create("Autre")
    for anchors, why_not in (((online.root,), ""), (stranger.roots, "untrusted"), ((), "untrusted")):
        found = judge(who.certificate, who.chain, Trust(anchors=anchors), valid_at=now, known_at=now)
        assert found.why_not == why_not


def test_an_authority_between_must_be_given_for_it_is_never_fetched(online, now):
    who = online.identities["good"]
    assert judge(who.certificate, (), Trust(anchors=(online.root,)), valid_at=now, known_at=now).why_not == "untrusted"
    given = Trust.of((online.root, *who.chain))
    assert (given.anchors, given.between) == ((online.root,), who.chain)
    found = judge(who.certificate, (), given, valid_at=now, known_at=now)
    assert found.path == (online.root, *who.chain, who.certificate)


def test_a_certificate_that_is_an_anchor_itself_needs_nobody(now, online):
    trust = Trust(anchors=(online.root,), revocation=Revocation(strictness=HARD))
    assert judge(online.root, (), trust, valid_at=now, known_at=now) == Verdict(revocation="good", path=(online.root,))


def _issued(issuer, now):
    """A certificate under ``issuer``, who may issue any or not."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.certificate.subject)
        .public_key(issuer.certificate.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return builder.sign(issuer.private_key, hashes.SHA256())


def test_a_leaf_vouches_for_nobody(authority, gp, now):
    """Basic constraints: a certificate for mail must not issue another."""
    trust = Trust(anchors=authority.roots)
    assert judge(gp.certificate, gp.chain, trust, valid_at=now, known_at=now).why_not == ""
    forged = _issued(gp, now)
    assert judge(forged, (gp.certificate, *gp.chain), trust, valid_at=now, known_at=now).why_not == "untrusted"


def test_a_signature_with_sha1_vouches_for_nobody(authority, now):
    leaf = _issued(authority.root, now)
    weak = asn1_x509.Certificate.load(leaf.public_bytes(Encoding.DER))
    weak["tbs_certificate"]["signature"] = weak["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    tbs = weak["tbs_certificate"].dump(force=True)
    sha1 = hashes.SHA1()  # noqa: S303 - what is tried
    weak["signature_value"] = authority.root.private_key.sign(tbs, ec.ECDSA(sha1))
    trust = Trust(anchors=authority.roots)
    assert judge(leaf, (), trust, valid_at=now, known_at=now).why_not == ""
    parsed = x509.load_der_x509_certificate(weak.dump(force=True))
    assert judge(parsed, (), trust, valid_at=now, known_at=now).why_not == "weak-signature"


def test_a_certificate_that_cannot_be_read_is_unreadable(online, now):
    class Broken:
        def public_bytes(self, encoding: Encoding) -> bytes:
            return b"\x30\x00"

    found = judge(Broken(), (), Trust(anchors=(online.root,)), valid_at=now, known_at=now)
    assert found.why_not in {"unreadable", "untrusted"}


def test_no_evidence_says_nothing(online):
    who = online.identities["good"]
    assert list(NoEvidence().about(who.certificate, who.chain[0])) == []
    assert Statements() == Statements(crls=(), ocsps=())


async def test_a_judgement_may_be_asked_for_inside_an_event_loop(verdict):
    assert verdict("listed-only").revocation == "good"
