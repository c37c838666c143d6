"""Which authorities the gateway believes, and for what: from the settings to stations and commands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from config.settings import Settings
from gateway.crypto.keys import load_certificates
from gateway.crypto.trust.policy import Revocation, Strictness, Trust
from gateway.errors import KeyStoreRefused, SettingsRefused
from gateway.stations import Vetting, as_addressed

if TYPE_CHECKING:
    from gateway.crypto.trust.policy import Evidence

Clock = Callable[[], datetime]
FOLDER = "revocation"
"""In the data folder: what authorities said, all of it public."""


def vetting(settings: Settings, clock: Clock, *, on_unknown: Callable[[], None] = lambda: None) -> Vetting:
    """What asks about addressees' certificates, and tells when nobody answers; raises SettingsRefused.

    Without authorities in the settings, whoever put a certificate into the directory vouches for it.
    """
    crypto = settings.crypto
    if crypto.outgoing_authorities is None:
        return as_addressed
    from gateway.crypto.trust import addressees  # noqa: PLC0415 - certificates are read by who asks
    from gateway.crypto.trust.standing import AddresseesTrust  # noqa: PLC0415 - half a second, for who asks

    authorities = read_authorities(crypto.outgoing_authorities, "crypto.outgoing_authorities")
    revocation = Revocation(strictness=Strictness(crypto.outgoing_revocation), evidence=evidence(settings, clock))
    longest = timedelta(seconds=crypto.revocation_seconds)
    standings = AddresseesTrust(Trust.of(authorities, revocation))
    return addressees.Vetting(standings, longest=longest, clock=clock, on_unknown=on_unknown)


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
