"""Rows for `huitaine keys list` and `keys audit`: every key with its end, and what is wrong with some."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pysequoia
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from commands.setup import Installation
from directory.local import Local
from gateway.crypto.certificates import addresses_of, check_certificate
from gateway.crypto.keystore import KeyStore, StoredKey
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp import addresses_of as openpgp_addresses
from gateway.errors import NoProtection

Row = dict[str, object]
_ADDRESSEES = (
    ("addressee-smime", "SELECT mailbox, fingerprint, not_after FROM certificate"),
    ("addressee-openpgp", "SELECT mailbox, fingerprint, expires_at FROM openpgp"),
)


def listed(store: KeyStore, folder: Path, now: datetime) -> list[Row]:
    """Ours and the addressees' keys; those without an end come last."""
    rows = [_own(store, key, now) for key in store.list()] + _addressees(folder, now)
    return sorted(rows, key=lambda row: (row["expires_at"] is None, str(row["expires_at"]), str(row["name"])))


def audited(store: KeyStore, here: Installation, now: datetime, within: timedelta) -> list[Row]:
    """One row per problem: missing, expired, expires-soon, or what :func:`check_certificate` says of our own."""
    crypto = here.settings.crypto
    names = {key.name for key in store.list()}
    wanted = [name for name in (crypto.identity, crypto.openpgp_key) if name]
    rows: list[Row] = [_problem(name, "missing") for name in wanted if name not in names]
    for key in store.list():
        if key.name in wanted and key.certificates:
            rows += _unfit(key, now)
    for row in listed(store, here.data, now):
        end = row["expires_at"]
        if isinstance(end, datetime) and end <= now + within:
            rows.append(_problem(str(row["name"]), "expired" if end <= now else "expires-soon", end, row["days"]))
    return rows


def _own(store: KeyStore, key: StoredKey, now: datetime) -> Row:
    if key.certificates:
        leaf = key.certificates[0]
        address = ", ".join(addresses_of(leaf)) or leaf.subject.rfc4514_string()
        return _row(key.name, key.kind, address, leaf.fingerprint(hashes.SHA256()).hex(), leaf.not_valid_after_utc, now)
    public = pysequoia.Cert.from_bytes(OpenPgpSigner(store.openpgp_key(key.name)).public_key)
    return _row(key.name, key.kind, ", ".join(openpgp_addresses(public)), public.fingerprint, public.expiration, now)


def _addressees(folder: Path, now: datetime) -> list[Row]:
    local = Local(folder)
    try:
        return [
            _row(mailbox, kind, mailbox, fingerprint, datetime.fromisoformat(end) if end else None, now)
            for kind, statement in _ADDRESSEES
            for mailbox, fingerprint, end in local.rows(statement)
        ]
    finally:
        local.close()


def _unfit(key: StoredKey, now: datetime) -> list[Row]:
    """What an addressee's gateway would hold against our own certificate; dates are told apart from this."""
    leaf: x509.Certificate = key.certificates[0]
    try:
        check_certificate(leaf, (addresses_of(leaf) or ("",))[0], now)
    except NoProtection as error:
        return [] if error.detail == "expired" else [_problem(key.name, error.detail, leaf.not_valid_after_utc)]
    return []


def _row(name: str, kind: str, address: str, fingerprint: str, end: datetime | None, now: datetime) -> Row:
    days = (end - now).days if end else None
    return {"name": name, "kind": kind, "address": address, "expires_at": end, "days": days, "fingerprint": fingerprint}


def _problem(name: str, problem: str, end: datetime | None = None, days: object = None) -> Row:
    return {"name": name, "problem": problem, "expires_at": end, "days": days}
