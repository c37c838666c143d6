"""What a judgement rests on: the anchors of one purpose, and how strictly revocation is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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

    @classmethod
    def of(cls, certificates: Iterable[x509.Certificate], revocation: Revocation | None = None) -> Trust:
        """A file of authorities taken apart: those that sign themselves are the anchors."""
        given = tuple(certificates)
        anchors = tuple(each for each in given if each.subject == each.issuer)
        between = tuple(each for each in given if each.subject != each.issuer)
        return cls(anchors=anchors, between=between, revocation=revocation or Revocation())
