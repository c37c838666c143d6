"""One line for each thing that is wrong with a key, or will be: what ``huitaine keys audit`` tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from gateway.crypto.audit.algorithms import Algorithms
from gateway.crypto.audit.openpgp_keys import public_keys_in
from gateway.crypto.audit.weak import weakness_of
from gateway.crypto.certificates import in_domain

FEW_VERIFY = "few-verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedKey:
    """A key of ours, or of an addressee, as the audit looks at it."""

    name: str = field(repr=False)
    """Ours: its name in the key store; an addressee's: his mailbox."""
    identity: str
    """What tells the key itself: two entries with the same one share it."""
    addresses: frozenset[str] = field(repr=False, default=frozenset())
    """Whom it names, in lower case."""
    domains: frozenset[str] = field(repr=False, default=frozenset())
    """Whose whole organisation it names, as far as the settings allow that (CR-16)."""
    certificate: x509.Certificate | None = field(repr=False, default=None)
    openpgp: bytes = field(repr=False, default=b"")
    """The transferable public key, when it is one of OpenPGP."""
    end: datetime | None = None
    ours: bool = False
    retired: bool = False
    """Kept for opening only: that it is over is as it should be."""

    def names(self, people: Iterable[str]) -> bool:
        """Whether it names every one of these mailboxes, in lower case."""
        return all(one in self.addresses or in_domain(one, self.domains) for one in people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with which key, and the day from which it is, or was."""

    name: str = field(repr=False)
    code: str
    at: datetime | None = None


Unfit = Callable[[AuditedKey], str]
"""What a sealer would hold against a key that is in time: a stable code, or nothing."""


def problems(
    keys: Sequence[AuditedKey], rules: Algorithms, *, now: datetime, within: timedelta, unfit: Unfit
) -> list[Problem]:
    """Every problem of every key, soonest first."""
    found = [problem for key in keys for problem in (*_strength(key, rules, now), *_use(key, now, within, unfit))]
    return sorted((*found, *_shared(keys)), key=lambda each: (each.at is None, each.at or now, each.name, each.code))


def signs_for_few(certificate: x509.Certificate) -> bool:
    """Whether hardly a GP's client verifies what this key of ours signs, and nobody can encrypt an answer to it.

    Ed25519 in CMS (RFC 8419) is for gateways: OpenSSL 3.0 calls such a signature invalid (tried).
    """
    return isinstance(certificate.public_key(), ed25519.Ed25519PublicKey)


def _strength(key: AuditedKey, rules: Algorithms, now: datetime) -> Iterator[Problem]:
    """Weak now (a reason to replace it at once), or weak before it ends (a reason not to wait for its end)."""
    certificate = key.certificate
    if key.retired:
        return
    if certificate is None:
        yield from _strength_of_openpgp(key, rules, now)
        return
    code = weakness_of(certificate.public_key()) or rules.why_not(certificate, now.date())
    if code:
        yield Problem(name=key.name, code=code)
        return
    day = rules.weak_from(certificate, now.date(), certificate.not_valid_after_utc.date())
    if day is not None:
        at = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)
        yield Problem(name=key.name, code="weak-before-its-end", at=at)


def _strength_of_openpgp(key: AuditedKey, rules: Algorithms, now: datetime) -> Iterator[Problem]:
    """The first thing that is wrong with one of its keys: whoever has one of them replaces them all."""
    for public in public_keys_in(key.openpgp) if key.openpgp else ():
        code = weakness_of(public) or rules.of_key(public, now.date())
        if code:
            yield Problem(name=key.name, code=code)
            return


def _use(key: AuditedKey, now: datetime, within: timedelta, unfit: Unfit) -> Iterator[Problem]:
    if key.retired:
        return
    if key.end is not None and key.end <= now + within:
        yield Problem(name=key.name, code="expired" if key.end <= now else "expires-soon", at=key.end)
    code = unfit(key)
    if code not in {"", "expired", "weak-key", "weak-signature"}:  # those are told already, with more
        yield Problem(name=key.name, code=code, at=key.end)


def _shared(keys: Sequence[AuditedKey]) -> Iterator[Problem]:
    """Who has another one's key reads his letters, unless the key names them both (CR-21)."""
    holders: dict[str, list[AuditedKey]] = defaultdict(list)
    for key in keys:
        if not key.retired:
            holders[key.identity].append(key)
    for sharing in holders.values():
        people = frozenset[str]().union(*(key.addresses if key.ours else {key.name.lower()} for key in sharing))
        if not all(key.names(people) for key in sharing if len(sharing) > 1):
            yield from (Problem(name=key.name, code="key-of-another") for key in sharing)
