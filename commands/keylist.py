"""Rows for `huitaine keys list`: every key of ours and of the addressees, with its end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pysequoia
from cryptography.hazmat.primitives import hashes

from commands.setup import Installation
from directory.local import Local
from gateway.crypto.certificates import addresses_of
from gateway.crypto.keystore import KeyStore, StoredKey
from gateway.crypto.openpgp import OpenPgpSigner
from gateway.crypto.openpgp import addresses_of as openpgp_addresses
from gateway.service.from_settings.keystores import openpgp_on_card

Row = dict[str, object]
_ADDRESSEES = (
    ("addressee-smime", "SELECT mailbox, fingerprint, not_after FROM certificate"),
    ("addressee-openpgp", "SELECT mailbox, fingerprint, expires_at FROM openpgp"),
)


def listed(store: KeyStore, here: Installation, now: datetime) -> list[Row]:
    """Ours and the addressees' keys; those without an end come last."""
    rows = [_own(store, key, now) for key in store.list()] + _on_card(here, now) + _addressees(here.data, now)
    return sorted(rows, key=lambda row: (row["expires_at"] is None, str(row["expires_at"]), str(row["name"])))


def _own(store: KeyStore, key: StoredKey, now: datetime) -> Row:
    kind = f"{key.kind}-retired" if key.retired else key.kind
    if key.certificates:
        leaf = key.certificates[0]
        address = ", ".join(addresses_of(leaf)) or leaf.subject.rfc4514_string()
        return _row(key.name, kind, address, leaf.fingerprint(hashes.SHA256()).hex(), leaf.not_valid_after_utc, now)
    return _openpgp(key.name, kind, OpenPgpSigner(store.openpgp_key(key.name)).public_key, now)


def _on_card(here: Installation, now: datetime) -> list[Row]:
    """Under its fingerprint, which is its name in the settings."""
    public = openpgp_on_card(here.settings)
    return [_openpgp(str(here.settings.crypto.openpgp_key), "openpgp-card", public, now)] if public else []


def _openpgp(name: str, kind: str, key: bytes, now: datetime) -> Row:
    public = pysequoia.Cert.from_bytes(key)
    return _row(name, kind, ", ".join(openpgp_addresses(public)), public.fingerprint, public.expiration, now)


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


def _row(name: str, kind: str, address: str, fingerprint: str, end: datetime | None, now: datetime) -> Row:
    days = (end - now).days if end else None
    return {"name": name, "kind": kind, "address": address, "expires_at": end, "days": days, "fingerprint": fingerprint}
