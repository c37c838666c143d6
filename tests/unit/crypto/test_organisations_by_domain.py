"""CR-16 beside CR-18: who names no mailbox but a whole domain does not get round that domain's own authorities."""

from __future__ import annotations

from gateway.crypto.authority import TestAuthority
from gateway.crypto.trust.domains import judge_mailboxes
from gateway.crypto.trust.policy import Trust

DOMAIN = "clinique.example"


def test_an_organisations_certificate_is_believed_under_its_own_domains_authorities_alone(authority, now):
    clinic = authority.issue(address=DOMAIN, kind="organisation", key="p256")
    general, told = Trust.of(authority.roots), {}
    for name, own in (("its own", general), ("another", Trust.of(TestAuthority.create("Autre").roots))):
        rule = Trust(anchors=general.anchors, by_domain={DOMAIN: own})
        told[name] = judge_mailboxes(clinic.certificate, clinic.chain, rule, valid_at=now, known_at=now).why_not
    assert told == {"its own": "", "another": "untrusted"}
