"""What a judgement rests on: anchors by purpose and domain, and how strictly revocation is asked for (CR-18, CR-19)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from cryptography import x509


class Strictness(StrEnum):
    """How revocation counts (CR-19).

    ``OFF`` never asks. ``SOFT`` refuses what an authority calls revoked and lets pass, visibly, what none answers for.
    ``HARD`` refuses both.
    """

    OFF = "off"
    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What authorities say of one certificate, in DER as they signed it; believed once that signature is checked."""

    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


class Evidence(Protocol):
    """Where statements come from."""

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statements]:
        """What is said of ``certificate``, best first; nothing rather than an error when nobody answers.

        Who asks for the next one says that the one before proved nothing: it need not be kept.
        """
        ...


class NoEvidence:
    """Nothing is known of anybody."""

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statements]:
        """Nothing."""
        del certificate, issuer
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Whether and where to ask if a certificate was taken back."""

    strictness: Strictness = Strictness.OFF
    evidence: Evidence = field(default_factory=NoEvidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The authorities believed for one purpose (letters that come in, addressees to encrypt to) and how strictly."""

    anchors: tuple[x509.Certificate, ...] = ()
    between: tuple[x509.Certificate, ...] = ()
    """Authorities that are only believed through an anchor: AIA is never followed, so they must be given."""
    revocation: Revocation = field(default_factory=Revocation)
    by_domain: Mapping[str, Trust] = field(default_factory=dict)
    """Domains, as the DNS has them, whose mailboxes are believed under authorities of their own alone."""
    believes_others: bool = False
    """Whether mailboxes of all other domains are believed unasked: whoever gave the certificate vouches for it."""

    @classmethod
    def of(cls, certificates: Iterable[x509.Certificate], revocation: Revocation | None = None) -> Trust:
        """A file of authorities taken apart: those that sign themselves are the anchors.

        Under those of a single domain nobody else is believed: they stand in ``by_domain`` of another.
        """
        given = tuple(certificates)
        anchors = tuple(each for each in given if each.subject == each.issuer)
        between = tuple(each for each in given if each.subject != each.issuer)
        return cls(anchors=anchors, between=between, revocation=revocation or Revocation())

    def under(self, domains: Iterable[str]) -> tuple[Trust, ...]:
        """Every rule that who has mailboxes in these domains must pass; without a mailbox the general one."""
        named = frozenset(domains)
        own = [
            replace(self.by_domain[each], revocation=self.revocation) for each in sorted(named & set(self.by_domain))
        ]
        asks_general = not self.believes_others and (not named or not named <= set(self.by_domain))
        return (*own, *((self,) if asks_general else ()))
