"""Anchors by domain (CR-18): who has a mailbox in a domain with authorities of its own must lead to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509

from gateway.crypto.certificates import UNREADABLE, addresses_of, ascii_domain
from gateway.crypto.trust.path import Verdict, judge
from gateway.crypto.trust.policy import Trust


def judge_mailboxes(
    certificate: x509.Certificate,
    above: Iterable[x509.Certificate],
    trust: Trust,
    *,
    valid_at: datetime,
    known_at: datetime,
) -> Verdict:
    """As :func:`judge`, once for the authorities of each domain that the certificate names; its first refusal counts.

    A certificate that names two domains must hold for both: one authority never vouches in the other's place.
    """
    try:
        rules = trust.under(named_domains(certificate)) if trust.by_domain or trust.believes_others else (trust,)
    except UNREADABLE:
        return Verdict(why_not="unreadable")
    others, verdict = tuple(above), Verdict()
    for rule in rules:
        verdict = judge(certificate, others, rule, valid_at=valid_at, known_at=known_at)
        if verdict.why_not:
            break
    return verdict


def named_domains(certificate: x509.Certificate) -> frozenset[str]:
    """Those of its mailboxes, and its dNSNames: it may stand for a whole organisation. Raises one of UNREADABLE."""
    names = [each.value for each in certificate.extensions if isinstance(each.value, x509.SubjectAlternativeName)]
    whole = (domain for name in names for domain in name.get_values_for_type(x509.DNSName))
    return frozenset(map(_spelled, (*(each.rpartition("@")[2] for each in addresses_of(certificate)), *whole)))


def _spelled(domain: str) -> str:
    """A-labels in lower case, without the root dot."""
    return ascii_domain(domain.strip().rstrip("."))
