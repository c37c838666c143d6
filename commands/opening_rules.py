"""Whom `huitaine open` believes besides what it is given: the authorities of the installation, when there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

from commands.places import is_installed, settings
from config.settings import Settings
from gateway.crypto.certificates import as_organisations
from gateway.crypto.trust.asking import HttpAsking
from gateway.crypto.trust.cache import StatementCache
from gateway.crypto.trust.policy import Revocation, Strictness, Trust
from gateway.moments import utc_now
from gateway.service.from_settings.trusting import by_domain, evidence, signers_authorities

_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRules:
    """Authorities, how strictly revocation is asked, and the name that results are written under."""

    authorities: tuple[x509.Certificate, ...] = ()
    by_domain: Mapping[str, Trust] = field(default_factory=dict)
    organisations: frozenset[str] = frozenset()
    revocation: Revocation = field(default_factory=Revocation)
    name: str = "huitaine.invalid"


def opening_rules(asked: Strictness | None) -> OpeningRules:
    """``asked`` on the command line wins; the settings count when they name authorities. Raises SettingsRefused."""
    if not is_installed():
        return OpeningRules(revocation=_without_installation(asked or Strictness.OFF))
    here = settings()
    authorities, own = signers_authorities(here), by_domain(here)
    strictness = asked or (Strictness(here.crypto.incoming_revocation) if authorities or own else Strictness.OFF)
    revocation = _of(here, strictness)
    return OpeningRules(
        authorities=authorities,
        by_domain=own,
        organisations=as_organisations(here.crypto.organisation_certificates),
        revocation=revocation,
        name=here.gateway.domain,
    )


def _of(here: Settings, strictness: Strictness) -> Revocation:
    if strictness is Strictness.OFF:
        return Revocation()
    return Revocation(strictness=strictness, evidence=evidence(here, utc_now))


def _without_installation(strictness: Strictness) -> Revocation:
    if strictness is Strictness.OFF:
        return Revocation()
    cache = StatementCache(HttpAsking(seconds=_SECONDS), folder=None, clock=utc_now)
    return Revocation(strictness=strictness, evidence=cache)
