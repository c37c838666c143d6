"""Which authorities the gateway believes, and for what: from the settings to stations and commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from config.settings import Settings
from gateway.crypto.certificates import ascii_domain
from gateway.crypto.keys import load_certificates
from gateway.crypto.trust.policy import Revocation, Strictness, Trust
from gateway.errors import KeyStoreRefused, SettingsRefused
from gateway.stations import Vetting, as_addressed

if TYPE_CHECKING:
    from gateway.crypto.trust.policy import Evidence

Clock = Callable[[], datetime]
DOMAINS = "crypto.domain_authorities"
FOLDER = "revocation"
"""In the data folder: what authorities said, all of it public."""


def vetting(settings: Settings, clock: Clock, *, on_unknown: Callable[[], None] = lambda: None) -> Vetting:
    """What asks about addressees' certificates, and tells when nobody answers; raises SettingsRefused.

    Without authorities in the settings, whoever put a certificate into the directory vouches for it; where some domains
    have theirs and all others none, that holds for the others.
    """
    crypto = settings.crypto
    if crypto.outgoing_authorities is None and not crypto.domain_authorities:
        return as_addressed
    from gateway.crypto.trust import addressees  # noqa: PLC0415 - certificates are read by who asks
    from gateway.crypto.trust.standing import AddresseesTrust  # noqa: PLC0415 - half a second, for who asks

    revocation = Revocation(strictness=Strictness(crypto.outgoing_revocation), evidence=evidence(settings, clock))
    longest = timedelta(seconds=crypto.revocation_seconds)
    standings = AddresseesTrust(_of_addressees(settings, revocation))
    return addressees.Vetting(standings, longest=longest, clock=clock, on_unknown=on_unknown)


def _of_addressees(settings: Settings, revocation: Revocation) -> Trust:
    file = settings.crypto.outgoing_authorities
    general = read_authorities(file, "crypto.outgoing_authorities") if file else ()
    own = by_domain(settings)
    return replace(Trust.of(general, revocation), by_domain=own, believes_others=file is None)


def by_domain(settings: Settings) -> dict[str, Trust]:
    """The authorities of domains that have their own (CR-18); SettingsRefused when a file or a name is wrong."""
    files = files_by_domain(settings).items()
    return {domain: Trust.of(read_authorities(file, f"{DOMAINS}.{domain}")) for domain, file in files}


def files_by_domain(settings: Settings) -> dict[str, Path]:
    """Where each domain's authorities are, domains as the DNS has them; SettingsRefused when one stands there twice."""
    given = settings.crypto.domain_authorities
    found = {ascii_domain(domain): file for domain, file in given.items()}
    if len(found) < len(given):
        raise SettingsRefused(f"{DOMAINS}: a domain stands there twice")
    return found


def signers_authorities(settings: Settings) -> tuple[x509.Certificate, ...]:
    """The general ones of mail that comes in; raises SettingsRefused."""
    file = settings.crypto.incoming_authorities
    return read_authorities(file, "crypto.incoming_authorities") if file else ()


def evidence(settings: Settings, clock: Clock) -> Evidence:
    """Where revocation is asked, with what was answered before."""
    from gateway.crypto.trust.asking import HttpAsking  # noqa: PLC0415 - HTTP, for who asks
    from gateway.crypto.trust.cache import StatementCache  # noqa: PLC0415 - the same

    return StatementCache(
        HttpAsking(seconds=settings.crypto.revocation_seconds), folder=settings.gateway.data / FOLDER, clock=clock
    )


def read_authorities(file: Path, key: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a settings' file; SettingsRefused names the key, not the path."""
    try:
        return load_certificates(file.read_bytes())
    except (OSError, KeyStoreRefused) as error:
        raise SettingsRefused(f"{key}: no certificate can be read from its file") from error
