"""What `huitaine keys audit` looks at: every key of ours and of the addressees, and the calendar of their ends."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pysequoia
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from commands.output import say
from commands.setup import Installation
from directory.local import Local
from gateway.crypto.audit.algorithms import SHIPPED, read_algorithms
from gateway.crypto.audit.calendar import KeyEnd, calendar
from gateway.crypto.audit.problems import FEW_VERIFY, AuditedKey, Problem, problems, signs_for_few
from gateway.crypto.certificates import addresses_of, as_organisations, check_certificate, organisation_domains
from gateway.crypto.keystore import KeyStore, StoredKey
from gateway.crypto.openpgp import OpenPgpRecipient, OpenPgpSigner
from gateway.crypto.openpgp import addresses_of as openpgp_addresses
from gateway.errors import NoProtection
from gateway.service.from_settings.keystores import openpgp_on_card

Row = dict[str, object]
_CERTIFICATES = "SELECT mailbox, der FROM certificate"
_OPENPGP = "SELECT mailbox, key FROM openpgp"


def audited(store: KeyStore, here: Installation, now: datetime, within: timedelta) -> list[Row]:
    """One row per problem: missing, expired, expires-soon, or what the audit or the sealer holds against a key."""
    crypto, keys = here.settings.crypto, every_key(store, here)
    names = {key.name for key in keys if key.ours and not key.retired}
    wanted = (crypto.identity, crypto.openpgp_key)
    missing = [name for name in wanted if name and name not in names]
    rules = read_algorithms(crypto.algorithms or SHIPPED)
    allowed = as_organisations(crypto.organisation_certificates)
    found = problems(keys, rules, now=now, within=within, unfit=lambda key: _unfit(key, now, allowed))
    return [_row(Problem(name=name, code="missing"), now) for name in missing] + [_row(each, now) for each in found]


def every_key(store: KeyStore, here: Installation) -> list[AuditedKey]:
    """Ours, the one on a card under its fingerprint, then the addressees'."""
    ours = [_own(store, key) for key in store.list()]
    on_card = openpgp_on_card(here.settings)
    if on_card is not None:
        ours.append(_openpgp(str(here.settings.crypto.openpgp_key), pysequoia.Cert.from_bytes(on_card), ours=True))
    return [*ours, *_addressees(here.data, as_organisations(here.settings.crypto.organisation_certificates))]


def key_calendar(store: KeyStore, here: Installation, now: datetime, within: timedelta) -> bytes:
    """The ends still to come, as an iCalendar file."""
    ends = [
        KeyEnd(
            name=key.name,
            fingerprint=key.identity,
            at=key.end,
            words=say(f"{key.name}: key ends", f"{key.name} : fin de la clé"),
        )
        for key in every_key(store, here)
        if key.end is not None and key.end > now and not key.retired
    ]
    return calendar(sorted(ends, key=lambda end: (end.at, end.name)), now=now, reminder=within)


def _own(store: KeyStore, key: StoredKey) -> AuditedKey:
    if key.certificates:
        return _smime(key.name, key.certificates[0], ours=True, retired=key.retired)
    public = pysequoia.Cert.from_bytes(OpenPgpSigner(store.openpgp_key(key.name)).public_key)
    return _openpgp(key.name, public, ours=True, retired=key.retired)


def _addressees(folder: Path, organisations: frozenset[str]) -> Iterator[AuditedKey]:
    local = Local(folder)
    try:
        for mailbox, der in local.rows(_CERTIFICATES):
            leaf = x509.load_der_x509_certificate(der)
            yield replace(_smime(mailbox, leaf), domains=organisations.intersection(organisation_domains(leaf)))
        for mailbox, key in local.rows(_OPENPGP):
            yield _openpgp(mailbox, pysequoia.Cert.from_bytes(key))
    finally:
        local.close()


def _smime(name: str, leaf: x509.Certificate, *, ours: bool = False, retired: bool = False) -> AuditedKey:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return AuditedKey(
        name=name,
        identity=digest.finalize().hex(),
        addresses=frozenset(each.lower() for each in addresses_of(leaf)),
        certificate=leaf,
        end=leaf.not_valid_after_utc,
        ours=ours,
        retired=retired,
    )


def _openpgp(name: str, key: pysequoia.Cert, *, ours: bool = False, retired: bool = False) -> AuditedKey:
    return AuditedKey(
        name=name,
        identity=key.fingerprint,
        addresses=frozenset(each.lower() for each in openpgp_addresses(key)),
        openpgp=bytes(key),
        end=key.expiration,
        ours=ours,
        retired=retired,
    )


def _unfit(key: AuditedKey, now: datetime, organisations: Collection[str]) -> str:
    """What a sealer would hold against it: against ours, another gateway's sealer."""
    if key.ours and key.certificate is not None and signs_for_few(key.certificate):
        return FEW_VERIFY
    address = min(key.addresses, default="") if key.ours else key.name
    try:
        if key.certificate is not None:
            check_certificate(key.certificate, address, now, organisations=organisations)
        else:
            OpenPgpRecipient.choose(key.openpgp, fingerprint="", address=address, at=now)
    except NoProtection as error:
        return error.detail
    return ""


def _row(problem: Problem, now: datetime) -> Row:
    days = (problem.at - now).days if problem.at else None
    return {"name": problem.name, "problem": problem.code, "expires_at": problem.at, "days": days}
